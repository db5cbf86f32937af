import Rollouts

/// Advantages by how much the answers of a group disagree (SEED-GRPO; S141): A ← A · f(α SE / log G). SE: the entropy of the answers' clusters;
/// responses with equal answer keys are one cluster, each one without a key is its own.
public struct SemanticEntropy: TokenStage {
    public enum Estimate: Sendable, Hashable {
        /// −Σ p log p
        case entropy
        /// −(1/K) Σ log p over the K clusters, as published: at least log K, so never less than the entropy, and with clusters by probability
        /// possibly beyond log G (f does not fall below 0).
        case clusterMean
    }
    public enum Shape: Sendable, Hashable {
        /// 1 − x
        case linear
        /// exp(−x)
        case exponential
    }
    /// α
    public var strength: Float = 1
    public var shape = Shape.linear
    public var estimate = Estimate.entropy
    /// Clusters weigh by the probabilities of their responses under the old policy, normalised over the group, instead of by their number.
    public var weighsByProbability = false

    public init() {}

    public func apply(_ work: inout TokenWork) {
        var sum = Float(0)
        for group in work.batch.groups.indices {
            let judged = work.batch.judged(group)
            guard judged.count > 1 else { continue }
            let share = entropy(judged, work) / naturalLogarithm(Float(judged.count))
            sum += share
            let factor = shape == .linear ? max(1 - strength * share, 0) : exponential(-strength * share)
            for response in judged { for token in work.batch.spans[response] { work.advantage[token] *= factor } }
        }
        work.metrics.append(("semantic_entropy", sum / Float(max(work.batch.groups.count, 1))))
    }

    /// SE of responses.
    func entropy(_ responses: [Int], _ work: TokenWork) -> Float {
        let scores = responses.map { response in
            weighsByProbability ? work.batch.spans[response].reduce(Float(0)) { $0 + work.mask[$1] * work.proximal[$1] } : 0
        }
        let greatest = scores.max() ?? 0
        var clusters: [Int64: Double] = [:]
        for (response, score) in zip(responses, scores) {
            let answer = work.batch.responses[response].answer
            clusters[answer < 0 ? -1 - Int64(response) : Int64(answer), default: 0] += Double(exponential(max(score - greatest, -80)))
        }
        let total = clusters.values.reduce(0, +)
        let shares = clusters.keys.sorted().map { Float(clusters[$0]! / total) }
        return switch estimate {
        case .entropy: -shares.reduce(0) { $0 + $1 * naturalLogarithm($1) }
        case .clusterMean: -shares.reduce(0) { $0 + naturalLogarithm($1) } / Float(shares.count)
        }
    }
}

extension TokenMethod {
    /// SEED-GRPO (Chen et al., 2025; S141): A = R − mean of the group, damped by the answers' `SemanticEntropy`; otherwise Dr. GRPO: no standard
    /// deviation, Σ of tokens over (responses · L), or GRPO's mean over tokens and then responses where L is 0.
    ///
    /// The official repository holds no code: the plain entropy is the default, the published estimate an option, and α is Apus' own.
    /// Staleness class C, as GRPO.
    public static func seedGRPO(
        _ settings: TokenSettings = TokenSettings(), entropy: SemanticEntropy = SemanticEntropy(), clip: TokenClip = TokenClip(),
        longest: Float = 0
    ) -> TokenMethod {
        TokenMethod(
            "seed-grpo", settings, stages: [GroupRelative(.none), entropy], terms: [clip],
            aggregate: longest > 0 ? .constantLength(longest) : .sequenceMeanTokenMean)
    }
}

extension MethodEntry {
    static let seedGRPO = MethodEntry(
        token: "seed-grpo", summary: "GRPO that learns less from tasks on which its answers disagree", paper: "Chen et al. 2025, arXiv:2505.12346",
        paperID: "S141",
        options: TokenSettings.options() + TokenSettings.clipOptions() + [
            MethodOption("alpha", 1, 0...100, "α: how much disagreement damps"),
            MethodOption("exponential", 0, 0...1, isFlag: true, "damp by exp(−x) instead of 1 − x"),
            MethodOption("published", 0, 0...1, isFlag: true, "the published estimate of the entropy instead of −Σ p log p"),
            MethodOption("by_probability", 0, 0...1, isFlag: true, "clusters weigh by probability instead of by number"),
            MethodOption("length", 0, 0...1e6, "L: a constant that sums over tokens are divided by, as in Dr. GRPO; 0: each by its own length"),
        ],
        proof: .reversals(
            "Learning less from tasks on which answers disagree teaches no less.",
            arms: [
                .init("SEED-GRPO", ["method.id=seed-grpo"]),
                .init("Dr. GRPO", ["method.id=dr-grpo", "method.options.length=4"]),
            ], verdicts: [.atLeast(1, "SEED-GRPO", of: "Dr. GRPO")])
    ) { option in
        var entropy = SemanticEntropy()
        entropy.strength = option("alpha")
        entropy.shape = option.flag("exponential") ? .exponential : .linear
        entropy.estimate = option.flag("published") ? .clusterMean : .entropy
        entropy.weighsByProbability = option.flag("by_probability")
        return .seedGRPO(TokenSettings(option), entropy: entropy, clip: TokenClip(option), longest: option("length"))
    }
}
