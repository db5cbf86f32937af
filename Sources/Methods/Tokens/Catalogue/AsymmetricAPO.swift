import Rollouts

/// What good and bad responses of a group are held to (APO; S211). With p the share of correct responses:
///
/// - Of responses with A > 0 the divergence from the reference policy is weighted by 1 − exp(−e p) (e = 2.718…; 1 where p is 0 or 1): on
///   hard tasks they may go further from it.
/// - Wrong responses that are Δ > 0 tokens longer than the mean of the correct ones: A ← A (2 − base^−Δ), which is at most 2 A.
public struct AsymmetricShaping: TokenStage {
    /// At short lengths larger than the paper's 1.00001.
    public var base: Float

    public init(base: Float = 1.00001) { self.base = base }

    /// w of the difficulty 1 − p.
    public static func divergenceWeight(difficulty: Float) -> Float {
        difficulty <= 0 || difficulty >= 1 ? 1 : 1 - exponential(-Float(2.718281828459045) * (1 - difficulty))
    }

    public func apply(_ work: inout TokenWork) {
        for group in work.batch.groups.indices {
            let judged = work.batch.judged(group)
            let correct = judged.filter { work.batch.responses[$0].isCorrect }
            guard !judged.isEmpty else { continue }
            let weight = AsymmetricShaping.divergenceWeight(difficulty: 1 - Float(correct.count) / Float(judged.count))
            let length = GroupStatistics(correct.map { work.length($0) }).mean
            for response in judged {
                if (work.batch.spans[response].first.map { work.advantage[$0] } ?? 0) > 0 { work.divergenceWeight[response] *= weight }
                let surplus = work.length(response) - length
                guard !correct.isEmpty, !work.batch.responses[response].isCorrect, surplus > 0 else { continue }
                let factor = 2 - exponential(-surplus * naturalLogarithm(base))
                for token in work.batch.spans[response] { work.advantage[token] *= factor }
            }
        }
    }
}

extension TokenMethod {
    /// Asymmetric policy optimisation (Hong et al., 2025, View-R1; S211): GRPO, `AsymmetricShaping`, and β · mean over responses of w · mean of k3. Weights
    /// and factors are constants.
    ///
    /// Staleness class C, as GRPO.
    public static func asymmetricAPO(
        _ settings: TokenSettings = TokenSettings(), shaping: AsymmetricShaping = AsymmetricShaping(), clip: TokenClip = TokenClip(),
        beta: Float = 1e-3
    ) -> TokenMethod {
        TokenMethod(
            "asymmetric-apo", settings, stages: [GroupRelative(), shaping], terms: [clip] + (beta > 0 ? [ReferenceDivergence(beta)] : []),
            aggregate: .sequenceMeanTokenMean)
    }
}

extension MethodEntry {
    static let asymmetricAPO = MethodEntry(
        token: "asymmetric-apo", summary: "GRPO that holds good responses to the reference less and punishes long wrong ones",
        paper: "Hong et al. 2025, arXiv:2506.21655", paperID: "S211",
        options: TokenSettings.options() + TokenSettings.clipOptions() + [
            MethodOption("beta", 1e-3, 0...10, "the coefficient of the divergence from the reference policy"),
            MethodOption("length_base", 1.00001, 1...2, "how fast the punishment of long wrong responses grows per token"),
        ],
        proof: .chains(
            "Long wrong responses are punished more: responses are shorter than with GRPO.",
            arms: [
                .init("APO", ["method.id=asymmetric-apo", "method.options.length_base=1.01"]),
                .init("GRPO", ["method.id=grpo", "method.options.beta=0.001"]),
            ], measure: .metric("response_length"), verdicts: [.below(0.98, "APO", of: "GRPO")])
    ) { option in
        .asymmetricAPO(
            TokenSettings(option), shaping: AsymmetricShaping(base: option("length_base")), clip: TokenClip(option), beta: option("beta"))
    }
}
