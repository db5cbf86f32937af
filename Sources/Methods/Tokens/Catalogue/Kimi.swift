import Rollouts

/// One step of mirror descent as a regression (Kimi k1.5; S165), per response with L = Σ lp and L₀ = Σ lo, the policy at the start of the update:
///
///     l = −A · L + τ/2 · (L − L₀)²,     ∂l/∂lp = −A + τ (L − L₀)
///
/// With A = R − τ log Z its minimum is π ∝ π₀ exp(R / τ); the group's mean reward stands for τ log Z.
public struct MirrorDescent: TokenTerm {
    /// τ
    public var temperature: Float
    public let name = "policy_loss"

    public init(_ temperature: Float = 0.1) { self.temperature = temperature }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        for sequence in step.sequences where sequence.length > 0 {
            let distance = sequence.span.reduce(0) { $0 + step.mask[$1] * (step.logProb[$1] - step.proximal[$1]) }
            for token in sequence.span {
                slope.loss[token] = -step.advantage[token] * step.logProb[token] + temperature / 2 * distance * distance / sequence.length
                slope.logProb[token] = -step.advantage[token] + temperature * distance
            }
        }
        return slope
    }
}

/// A reward for being short, inside of a group (Kimi k1.5; S165): λ = ½ − (len − shortest) / (longest − shortest) for correct responses, and
/// min(0, λ) for wrong ones; 0 where all are equally long. It begins after a share of the run: early, it would cost accuracy.
public struct LengthReward: TokenStage {
    public var weight: Float
    /// The share of the run without it.
    public var warmUp: Double

    public init(_ weight: Float = 1, warmUp: Double = 0.3) {
        self.weight = weight
        self.warmUp = warmUp
    }

    public func apply(_ work: inout TokenWork) {
        guard weight != 0, work.moment.progress >= warmUp else { return }
        let batch = work.batch
        for group in batch.groups.indices {
            let judged = batch.judged(group)
            let lengths = judged.map { Float(batch.drawn($0).count) }
            guard let shortest = lengths.min(), let longest = lengths.max(), longest > shortest else { continue }
            for (response, length) in zip(judged, lengths) {
                let reward = 0.5 - (length - shortest) / (longest - shortest)
                work.reward[response] += weight * (batch.responses[response].isCorrect ? reward : min(0, reward))
            }
        }
    }
}

/// How often a task was solved: the record is [correct responses, judged responses] so far.
public struct SuccessRecord: TokenStage {
    static let name = "success"
    public init() {}

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        var seen: [UInt32: [Float]] = [:]
        for (group, one) in batch.groups.enumerated() {
            let (old, judged) = (seen[one.task] ?? work.records[one.task, Self.name] ?? [0, 0], batch.fresh(group))
            seen[one.task] = [old[0] + Float(judged.count { batch.responses[$0].isCorrect }), old[1] + Float(judged.count)]
        }
        for task in seen.keys.sorted() { work.keep(seen[task]!, of: task, Self.name) }
    }

    /// 1 less the success rate, and 1 for a task that was not tried yet. What is always solved still comes now and then, so that not all
    /// weights can become 0.
    public static func weight(_ task: UInt32, _ records: TaskRecords) -> Float {
        guard let record = records[task, name], record[1] > 0 else { return 1 }
        return max(1 - record[0] / record[1], 0.02)
    }
}

extension TokenMethod {
    /// Kimi k1.5's policy optimisation (Kimi Team, 2025; S165): `LengthReward`, the group's mean as the baseline, and `MirrorDescent` towards the policy
    /// at the start of the update, which every update resets together with the optimiser; several gradient steps per update. Tasks are drawn
    /// the more often the less they are solved (`SuccessRecord`).
    ///
    /// The square is as derived, with its ½. At the first gradient step it is REINFORCE with a mean baseline. τ and the number of steps are
    /// not published. Per sequence. Staleness class B: each batch is anchored to the policy at its start.
    public static func kimi(
        _ settings: TokenSettings, temperature: Float = 0.1, length: LengthReward = LengthReward(), prioritizes: Bool = true
    ) -> TokenMethod {
        var method = TokenMethod(
            "kimi", settings, staleness: .anchored, stages: [length, GroupRelative(.none)] + (prioritizes ? [SuccessRecord()] : []),
            terms: [MirrorDescent(temperature)], aggregate: .sequenceMeanTokenSum, proximal: .start)
        method.resetsOptimizer = true
        if prioritizes { method.taskWeight = SuccessRecord.weight }
        return method
    }
}

extension MethodEntry {
    static let kimi = MethodEntry(
        token: "kimi", summary: "mirror descent by regression, with a reward for short correct responses", paper: "Kimi Team 2025, arXiv:2501.12599",
        paperID: "S165",
        options: TokenSettings.options(epochs: 4) + [
            MethodOption("tau", 0.1, 0...(.infinity), "τ: what leaving the policy at the start costs"),
            MethodOption("length_weight", 1, 0...(.infinity), "the weight of the reward for short responses"),
            MethodOption("length_warm_up", 0.3, 0...1, "the share of the run before it begins"),
            MethodOption("prioritize", 1, 0...1, isFlag: true, "draw tasks the more often the less they are solved"),
        ],
        proof: .reversals(
            "With eight passes over each batch, mirror descent holds where the plain policy gradient does not.",
            arms: [
                .init("mirror descent", ["method.id=kimi", "method.options.epochs=8", "method.options.length_weight=0", "method.options.prioritize=0"]),
                .init("none", ["method.id=kimi", "method.options.epochs=8", "method.options.tau=0", "method.options.length_weight=0", "method.options.prioritize=0"]),
            ], verdicts: [.better("mirror descent", than: "none")])
    ) { option in
        .kimi(
            TokenSettings(option), temperature: option("tau"),
            length: LengthReward(option("length_weight"), warmUp: Double(option("length_warm_up"))),
            prioritizes: option.flag("prioritize"))
    }
}
