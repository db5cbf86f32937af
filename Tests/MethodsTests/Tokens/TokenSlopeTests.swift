import Methods
import Rollouts
import TestSupport
import Testing

/// Every term of every method for token policies against differences of its own loss.
@Suite struct TokenSlopeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let method: TokenMethod
        var testDescription: String { method.name }
    }
    static let cases = MethodCatalogue.tokens.map { Case(method: $0.defaults as! TokenMethod) }

    /// Σ scale · l of one term.
    private func loss(_ term: any TokenTerm, _ method: TokenMethod, _ step: TokenStep) -> Double {
        let (slope, scales) = (term.slope(step), term.scales(step, method.aggregate))
        return zip(slope.loss, scales).reduce(0) { $0 + ($1.1 == 0 ? 0 : Double($1.0) * Double($1.1)) }
    }

    @Test(arguments: cases, [1, 2, 3] as [UInt64]) func slopesAreDerivatives(_ one: Case, seed: UInt64) throws {
        let method = one.method
        let work = TokenGroups.work(TokenGroups.random(seed: seed, plan: method.plan), for: method, seed: seed + 10)
        let logProb = TokenGroups.moved(work, by: 0.1, seed: seed + 20)
        var dice = TestSupport.Dice(seed + 30)
        let entropy = logProb.map { _ in Float.random(in: 0.1...2, using: &dice) }
        let value = work.values.map { $0 + Float.random(in: -0.1...0.1, using: &dice) }
        func step(_ kind: Int, _ token: Int, _ change: Float) -> TokenStep {
            var inputs = [logProb, entropy, value]
            inputs[kind][token] += change
            return TokenStep(work, tokens: Array(0..<logProb.count), logProb: inputs[0], entropy: inputs[1], value: inputs[2])
        }
        for term in method.terms where term.deliberateSlope == nil {
            let here = step(0, 0, 0)
            let (slope, scales, middle) = (term.slope(here), term.scales(here, method.aggregate), loss(term, method, here))
            for (kind, told) in [slope.logProb, slope.entropy, slope.value].enumerated() {
                let told = told.isEmpty ? [Float](repeating: 0, count: here.count) : told
                let size = zip(told, scales).reduce(Float(1e-3)) { max($0, abs($1.0 * $1.1)) }
                var kinks = 0
                for token in 0..<here.count {
                    let h: Float = 1.0 / 256
                    let above = (loss(term, method, step(kind, token, h)) - middle) / Double(h)
                    let below = (middle - loss(term, method, step(kind, token, -h))) / Double(h)
                    // A kink lies between: no derivative to compare with.
                    guard abs(above - below) < 0.03 * Double(size) else {
                        kinks += 1
                        continue
                    }
                    let expected = scales[token] == 0 ? 0 : told[token] * scales[token]
                    #expect(
                        abs((above + below) / 2 - Double(expected)) < 0.02 * Double(size),
                        "\(method.name), \(term.name), input \(kind), token \(token): told \(expected), found \((above + below) / 2)")
                }
                #expect(kinks < here.count / 4, "\(kinks) kinks of \(here.count)")
            }
        }
    }

    /// What is computed in parts is what is computed at once: a term that needs the whole step says so.
    @Test(arguments: cases) func partsAddUp(_ one: Case) {
        let method = one.method
        let work = TokenGroups.work(TokenGroups.random(seed: 5, plan: method.plan), for: method)
        let logProb = TokenGroups.moved(work)
        let whole = TokenStep(
            work, tokens: Array(0..<logProb.count), logProb: logProb, entropy: work.entropy, value: work.values)
        for term in method.terms where !term.seesWholeStep {
            let all = term.slope(whole)
            for span in work.batch.spans where !span.isEmpty {
                let part = TokenStep(
                    work, tokens: Array(span), logProb: Array(logProb[span]), entropy: Array(work.entropy[span]), value: Array(work.values[span]))
                let slope = term.slope(part)
                #expect(slope.loss == Array(all.loss[span]) && slope.logProb == Array(all.logProb[span]), "\(method.name), \(term.name)")
            }
        }
    }

    /// No advantage, weight or slope is infinite or no number, whatever the group is like.
    @Test(arguments: cases) func oddGroups(_ one: Case) {
        let method = one.method
        let open = TokenGroups.response(0, end: .open)
        let odd: [[GroupResponse]] = [
            [TokenGroups.response(1)], [TokenGroups.response(1), TokenGroups.response(1)], [TokenGroups.response(0), TokenGroups.response(0)],
            [TokenGroups.response(1, length: 0), TokenGroups.response(0)], [TokenGroups.response(0, end: .unverified)], [open],
            [open, TokenGroups.response(1)], [TokenGroups.response(1), TokenGroups.response(0, length: 9, end: .length)],
            [TokenGroups.response(1, logProb: -60), TokenGroups.response(0, logProb: 0)],
        ]
        let groups = odd.enumerated().map { ResponseGroup(task: UInt32($0.offset % 5), prompt: [1], responses: $0.element.map { one in
            var one = one
            if method.plan.keepsEntropy { one.entropies = one.tokens.map { _ in 0.5 } }
            return one
        }) }
        for groups in [groups] + groups.map({ [$0] }) {
            let work = TokenGroups.work(groups, for: method)
            for distance: Float in [0.1, 30] {
                let logProb = TokenGroups.moved(work, by: distance).map { min($0, 0) }
                let step = TokenStep(
                    work, tokens: Array(0..<logProb.count), logProb: logProb, entropy: work.entropy, value: work.values)
                var told = work.advantage + work.weight + work.mask + work.metrics.map(\.value) + TokenGroups.gradient(method, step)
                for term in method.terms { told += term.slope(step).loss + term.metrics(step).map(\.value) }
                let isFinite = told.allSatisfy(\.isFinite)
                #expect(isFinite, "\(method.name), \(groups.map { $0.responses.map(\.reward) })")
            }
        }
    }
}
