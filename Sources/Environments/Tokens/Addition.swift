import Tensors

/// "12+34=" → "46": the sum of two numbers, exactly (T2 of the catalogue's proof tasks). The level is the number of digits, from 1.
///
/// Numbers have at most as many digits as their level says, without leading zeros; with `exact` all have `digits` of them, which is one level. Small
/// networks learn numbers of one length far sooner than all lengths beside each other.
public struct Addition: TokenEnvironment {
    public static let id = "addition"
    public static let summary = "a+b= → the sum's digits; exact match"
    public static let options = [
        EnvironmentOption("digits", 3, 1...8, "digits of the larger numbers"),
        EnvironmentOption("least_digits", 1, 1...8, "digits of the smallest level"),
        EnvironmentOption("exact", 0, 0...1, "1: every number has that many digits, and there are no smaller levels"),
        EnvironmentOption("tasks", 4096, 1...1e9, "training tasks"),
    ]

    private let digits: Int
    private let isExact: Bool
    private let leastDigits: Int
    public let taskCount: UInt32

    public init(_ options: EnvironmentOptions) throws {
        digits = Int(options["digits"])
        isExact = options["exact"] >= 0.5
        leastDigits = isExact ? digits : Int(options["least_digits"])
        taskCount = UInt32(options["tasks"])
        guard leastDigits <= digits else {
            throw EnvironmentError(
                problem: "least_digits is \(leastDigits), more than digits, which is \(digits)", place: "environment.options.least_digits",
                remedy: "Give at most as many digits to the smallest level as to the largest.")
        }
    }

    public var isTotal: Bool { true }
    public var longestPrompt: Int { 2 * digits + 2 }
    public var longestResponse: Int { digits + 2 }
    public var levels: Int { digits - leastDigits + 1 }

    public func task(_ id: UInt32) -> TokenTask { make(id, heldOut: false) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { make(id, heldOut: true) }

    /// One pair in eight, by its numbers, is held out.
    private func make(_ id: UInt32, heldOut: Bool) -> TokenTask {
        var stream = TaskStream.of(Self.id, id, heldOut: heldOut)
        let level = Int(stream.next() % UInt64(levels))
        let bound = (0..<leastDigits + level).reduce(1) { bound, _ in bound * 10 }
        let least = isExact && digits > 1 ? bound / 10 : 0
        func number() -> Int { least + Int(stream.next() % UInt64(bound - least)) }
        var pair = (0, 0)
        repeat { pair = (number(), number()) } while ((pair.0 &* 31 &+ pair.1) % 8 == 0) != heldOut
        let prompt = vocabulary.tokens(ofOwn: "\(pair.0)+\(pair.1)=")
        return TokenTask(id: id, difficulty: UInt16(level), prompt: prompt)
    }

    private func answer(_ task: TokenTask) -> Int {
        vocabulary.decode(task.prompt).dropLast().split(separator: "+").reduce(0) { $0 + Int($1)! }
    }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict {
        let said = text(response)
        let isCorrect = response.last == vocabulary.stop && said == "\(answer(task))"
        return Verdict(reward: isCorrect ? 1 : 0, isCorrect: isCorrect, answer: max(Int32(said) ?? -1, -1))
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? {
        vocabulary.tokens(ofOwn: "\(answer(task))") + [vocabulary.stop]
    }
}
