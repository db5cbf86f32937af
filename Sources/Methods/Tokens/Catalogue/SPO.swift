import Networks
import Rollouts

/// Advantages of a single stream of responses, against what is known of each task (S101): A = R − p with p = a / (a + b) before this batch,
/// then A ← (A − mean) / (std + 1e-8) over the responses of the batch (n − 1). R is kept within 0 … 1.
///
/// After it, once per task: a ← ρ a + R, b ← ρ b + 1 − R (sums where a task came several times), ρ = 2^(−D / D_half) within bounds: what is
/// known fades as the policy moves. D: the mean over the tokens of the task's previous response of |log π then − log π now|; 0 without one.
/// "Now" are the weights at the start of the update.
///
/// Kept of every task: "spo.tracker" [a, b, visits] and "spo.response", the tokens of its last response and then as many log-probabilities, 1
/// where the policy did not draw the token (numbers of tokens are exact as floats). So a checkpoint grows with tasks × their lengths.
public struct SingleStream: TokenStage {
    /// D_half
    public var halfLife: Float = 0.06
    public var leastMemory: Float = 0.875
    public var mostMemory: Float = 0.96

    static let tracker = "spo.tracker"
    static let response = "spo.response"

    public init() {}

    public func recalls(_ batch: ResponseBatch, _ records: TaskRecords) -> [TokenGroup] {
        batch.groups.compactMap { group in previous(group, records).map { TokenGroup(prompt: group.trainedPrompt, responses: [$0.tokens]) } }
    }

    private func previous(_ group: ResponseGroup, _ records: TaskRecords) -> (tokens: [Int32], logProbs: [Float])? {
        guard let numbers = records[group.task, SingleStream.response], !numbers.isEmpty else { return nil }
        let half = numbers.count / 2
        return (numbers[..<half].map { Int32($0) }, Array(numbers[half...]))
    }

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        let judged = batch.groups.indices.flatMap { group in batch.judged(group).map { (group: group, response: $0) } }
        let advantages = judged.map { reward(work, $0.response) - SingleStream.rate(batch.groups[$0.group].task, work.records) }
        let statistics = GroupStatistics(advantages)
        for (one, advantage) in zip(judged, advantages) {
            work.setAdvantage(judged.count < 2 ? 0 : (advantage - statistics.mean) / (statistics.sampleDeviation + 1e-8), of: one.response)
        }
        var (drift, memories) = (Float(0), Float(0))
        let tasks = Dictionary(grouping: judged) { batch.groups[$0.group].task }
        for task in tasks.keys.sorted() {
            let draws = tasks[task]!
            let moved = self.drift(batch.groups[draws[0].group], work)
            let memory = memory(moved)
            let old = work.records[task, SingleStream.tracker] ?? [0.5, 0.5, 0]
            let successes = draws.reduce(0) { $0 + reward(work, $1.response) }
            work.keep(
                [memory * old[0] + successes, memory * old[1] + Float(draws.count) - successes, old[2] + Float(draws.count)], of: task,
                SingleStream.tracker)
            let last = batch.responses[draws.last!.response]
            work.keep(
                last.tokens.map { Float($0) } + zip(last.logProbs, last.roles).map { $1 == .policy || $1 == .control ? $0 : 1 }, of: task,
                SingleStream.response)
            (drift, memories) = (drift + moved, memories + memory)
        }
        let count = Float(max(tasks.count, 1))
        work.metrics += [("task_drift", drift / count), ("task_memory", memories / count)]
    }

    private func reward(_ work: TokenWork, _ response: Int) -> Float { min(max(work.reward[response], 0), 1) }

    private func drift(_ group: ResponseGroup, _ work: TokenWork) -> Float {
        guard let (tokens, then) = previous(group, work.records),
            let now = work.recalled[TokenGroup(prompt: group.trainedPrompt, responses: [tokens])]
        else { return 0 }
        let distances = zip(then, now).filter { $0.0 <= 0 }.map { abs($0 - $1) }
        return distances.isEmpty ? 0 : distances.reduce(0, +) / Float(distances.count)
    }

    /// ρ
    public func memory(_ drift: Float) -> Float { min(max(exponential(-drift / halfLife * naturalLogarithm(2)), leastMemory), mostMemory) }

    /// p: the rate of success that is expected of a task.
    public static func rate(_ task: UInt32, _ records: TaskRecords) -> Float {
        guard let known = records[task, tracker], known[0] + known[1] > 0 else { return 0.5 }
        return known[0] / (known[0] + known[1])
    }

    /// How often a task is drawn, without replacement: most where success is least certain, but every one.
    public static func weight(_ rate: Float) -> Float { (rate * (1 - rate)).squareRoot() + 0.05 }

    /// What is known of a task from responses drawn before the run: "spo.tracker".
    public func prior(successes: Int, of attempts: Int) -> [Float] {
        let weight = 1 / (1 - leastMemory) / Float(attempts + 1)
        return [weight * (Float(successes) + 0.5), weight * (Float(attempts - successes) + 0.5), 0]
    }
}

extension TokenMethod {
    /// Single-stream policy optimisation (Xu and Ding, 2025; S101): one response to a task, no group to wait for; `SingleStream`, the proximal
    /// clip (0.2, 0.28, dual 10) per token, a mean over all tokens. Tasks are drawn by `SingleStream.weight`.
    ///
    /// Staleness class C. The order of updates of a task's record does not depend on groups: each batch reads, and then writes once.
    public static func spo(
        _ settings: TokenSettings, credit: SingleStream = SingleStream(), clip: TokenClip = TokenClip(low: 0.2, high: 0.28, dual: 10)
    ) -> TokenMethod {
        var method = TokenMethod("spo", settings, stages: [credit], terms: [clip], aggregate: .tokenMean)
        method.taskWeight = { SingleStream.weight(SingleStream.rate($0, $1)) }
        return method
    }
}

extension MethodEntry {
    static let spo = MethodEntry(
        token: "spo", summary: "one response to a task, against what is known of the task", paper: "Xu and Ding 2025, arXiv:2509.13232",
        paperID: "S101",
        options: TokenSettings.options(responses: 1) + TokenSettings.clipOptions(low: 0.2, high: 0.28, dual: 10) + [
            MethodOption("half_life", 0.06, 1e-6...(.infinity), "D_half: after so much drift of log π what is known of a task counts half"),
            MethodOption("least_memory", 0.875, 0...0.999, "the least share of what is known that a visit leaves"),
            MethodOption("most_memory", 0.96, 0...1, "the greatest"),
        ],
        proof: .reversals(
            "One response to each task and a record of the task teach more than groups, from as many responses.", changes: ["environment.options.tasks=256"],
            arms: [
                .init("SPO", ["method.id=spo", "tokens.groups=64"]),
                .init("GRPO", ["method.id=grpo"]),
            ], verdicts: [.better("SPO", than: "GRPO")])
    ) { option in
        var credit = SingleStream()
        credit.halfLife = option("half_life")
        (credit.leastMemory, credit.mostMemory) = (option("least_memory"), option("most_memory"))
        return .spo(TokenSettings(option), credit: credit, clip: TokenClip(option))
    }
}
