import Methods
import TestSupport

/// A sequence in plain arrays, with episodes that end inside.
struct Sequence {
    var rewards: [Float]
    var discounts: [Float]
    var truncated: [UInt8]
    var values: [Float]
    var nextValues: [Float]
    var ratios: [Float]
    var count: Int { rewards.count }

    /// Random numbers; a share of the steps terminates, another is truncated.
    init(random count: Int, discount: Float = 0.9, ends: Double = 0.15, _ dice: inout Dice) {
        func numbers(_ range: ClosedRange<Float>) -> [Float] { (0..<count).map { _ in Float.random(in: range, using: &dice) } }
        rewards = numbers(-1...1)
        values = numbers(-2...2)
        nextValues = Array(values.dropFirst()) + [0.7]
        ratios = numbers(0...3)
        discounts = Array(repeating: discount, count: count)
        truncated = Array(repeating: 0, count: count)
        for t in 0..<count {
            let draw = Double.random(in: 0...1, using: &dice)
            if draw < ends { discounts[t] = 0 } else if draw < 2 * ends {
                truncated[t] = 1
                nextValues[t] = Float.random(in: -2...2, using: &dice)
            }
        }
    }

    init(rewards: [Float], discounts: [Float], values: [Float], ratios: [Float]? = nil) {
        self.rewards = rewards
        self.discounts = discounts
        truncated = Array(repeating: 0, count: rewards.count)
        self.values = Array(values.dropLast())
        nextValues = Array(values.dropFirst())
        self.ratios = ratios ?? Array(repeating: 1, count: rewards.count)
    }

    /// The part `range` as a sequence of its own.
    subscript(range: Range<Int>) -> Sequence {
        var part = self
        part.rewards = Array(rewards[range])
        part.discounts = Array(discounts[range])
        part.truncated = Array(truncated[range])
        part.values = Array(values[range])
        part.nextValues = Array(nextValues[range])
        part.ratios = Array(ratios[range])
        return part
    }

    func ends(at t: Int) -> Bool { discounts[t] == 0 || truncated[t] != 0 || t == count - 1 }

    /// Gives estimators this sequence as slot 1 of 3 in time-major columns, or alone.
    func estimate(strided: Bool = false, _ body: (CreditSequence, Strided<Float>, MutableStrided<Float>, MutableStrided<Float>) -> Void)
        -> (first: [Float], second: [Float])
    {
        let (slots, slot) = strided ? (3, 1) : (1, 0)
        func column<T>(_ numbers: [T], filler: T) -> [T] { numbers.flatMap { n in (0..<slots).map { $0 == slot ? n : filler } } }
        var first = [Float](repeating: -77, count: count * slots)
        var second = first
        column(rewards, filler: .nan).withUnsafeBufferPointer { rewards in
            column(discounts, filler: .nan).withUnsafeBufferPointer { discounts in
                column(truncated, filler: 9).withUnsafeBufferPointer { truncated in
                    column(values, filler: .nan).withUnsafeBufferPointer { values in
                        column(nextValues, filler: .nan).withUnsafeBufferPointer { nextValues in
                            column(ratios, filler: .nan).withUnsafeBufferPointer { ratios in
                                first.withUnsafeMutableBufferPointer { first in
                                    second.withUnsafeMutableBufferPointer { second in
                                        body(
                                            CreditSequence(
                                                rewards: Strided(rewards, slot: slot, of: slots),
                                                discounts: Strided(discounts, slot: slot, of: slots),
                                                truncated: Strided(truncated, slot: slot, of: slots),
                                                values: Strided(values, slot: slot, of: slots),
                                                nextValues: Strided(nextValues, slot: slot, of: slots)),
                                            Strided(ratios, slot: slot, of: slots), MutableStrided(first, slot: slot, of: slots),
                                            MutableStrided(second, slot: slot, of: slots))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        func own(_ column: [Float]) -> [Float] {
            precondition(column.indices.allSatisfy { $0 % slots == slot || column[$0] == -77 }, "an estimator wrote into another slot")
            return stride(from: slot, to: column.count, by: slots).map { column[$0] }
        }
        return (own(first), own(second))
    }

    func vtrace(lambda: Float = 1, rhoBar: Float = 1, cBar: Float = 1, policyRhoBar: Float = 1, strided: Bool = false) -> (
        errors: [Float], advantages: [Float]
    ) {
        let result = estimate(strided: strided) {
            Methods.vtrace(
                $0, ratios: $1, lambda: lambda, rhoBar: rhoBar, cBar: cBar, policyRhoBar: policyRhoBar, errors: $2, advantages: $3)
        }
        return (result.first, result.second)
    }
    func leakyVtrace(alpha: Float, lambda: Float = 1, strided: Bool = false) -> (errors: [Float], advantages: [Float]) {
        let result = estimate(strided: strided) {
            Methods.leakyVtrace(
                $0, ratios: $1, alpha: alpha, lambda: lambda, rhoBar: 1, cBar: 1, policyRhoBar: 1, errors: $2, advantages: $3)
        }
        return (result.first, result.second)
    }
    func gae(lambda: Float, strided: Bool = false) -> [Float] {
        estimate(strided: strided) { sequence, _, first, _ in Methods.gae(sequence, lambda: lambda, advantages: first) }.first
    }
    func lambdaReturns(lambda: Float, strided: Bool = false) -> [Float] {
        estimate(strided: strided) { sequence, _, first, _ in Methods.lambdaReturns(sequence, lambda: lambda, returns: first) }.first
    }
}

/// The generator of all tests.
typealias Dice = TestSupport.Dice
extension Dice {
    init(state: UInt64) { self.init(state) }
}

/// The largest |a − b| / max(1, |b|).
func deviation(_ a: [Float], _ b: [Float]) -> Float {
    precondition(a.count == b.count, "\(a.count) against \(b.count) numbers")
    return zip(a, b).map { ($0 - $1).isNaN ? .infinity : abs($0 - $1) / max(1, abs($1)) }.max() ?? 0
}
