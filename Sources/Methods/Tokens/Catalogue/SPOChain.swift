import Rollouts

/// Advantages of segments (S135, chain): a response is cut where forks of it branch off; the mean reward of the forks at a cut is the value V of
/// its prefix, and A = V(end) − V(start) for all tokens of a segment, of the last A = R − V(start).
///
/// V(prompt) is the mean reward of the other draws from the prompt: other responses, and forks at position 0. Without any, the first segment's
/// advantage is 0. Forks are not trained on. Tokens that were nearly certain are left out.
public struct ChainAdvantages: TokenStage {
    /// Tokens with a greater probability are left out; 1: none.
    public var certain: Float

    public init(certain: Float = 0.9) { self.certain = certain }

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        for group in batch.groups.indices {
            let tree = ForkTree(batch, group: group)
            // A fork whose parent could not be judged is a fork all the same.
            for response in batch.members[group] where batch.responses[response].parent >= 0 {
                for token in batch.spans[response] { (work.mask[token], work.advantage[token]) = (0, 0) }
            }
            for response in batch.judged(group) where batch.responses[response].parent < 0 {
                let others = tree.roots.filter { $0 != response }.map { work.reward[$0] }
                var start: Float? = others.isEmpty ? nil : GroupStatistics(others).mean
                for edge in tree.edges(response) {
                    let forks = tree.forks(.init(response: response, position: edge.upperBound)).map { work.reward[$0] }
                    let end = edge.upperBound == batch.spans[response].count ? work.reward[response] : GroupStatistics(forks).mean
                    for place in edge { work.advantage[batch.spans[response].lowerBound + place] = start.map { end - $0 } ?? 0 }
                    start = end
                }
            }
        }
        CertainTokens(threshold: certain).leaveOut(&work)
    }
}

extension TokenMethod {
    /// Segment policy optimisation in chains (Guo et al., 2025; S135): forks at every `interval`-th critical token (`GroupPlan.Forks.chain`),
    /// `ChainAdvantages`, whitened over the tokens that are left, the proximal clip per token, a mean over all tokens. All constants.
    ///
    /// Staleness class C. In Apus the prompt's value comes from the other responses of the group, in place of draws of its own.
    public static func spoChain(
        _ settings: TokenSettings, interval: Int = 5, threshold: Float = 0.9, samples: Int = 9, certain: Float = 0.9, clip: TokenClip = TokenClip()
    ) -> TokenMethod {
        var settings = settings
        settings.plan.forks = .chain(interval: interval, threshold: threshold, samples: samples)
        return TokenMethod(
            "spo-chain", settings, stages: [ChainAdvantages(certain: certain), Whitening()], terms: [clip], aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let spoChain = MethodEntry(
        token: "spo-chain", summary: "advantages of segments, from draws that branch off at uncertain tokens",
        paper: "Guo et al. 2025, arXiv:2505.23564", paperID: "S135",
        options: TokenSettings.options(responses: 4) + TokenSettings.clipOptions() + [
            MethodOption("interval", 5, 1...1000, isWhole: true, "forks branch off at every so many uncertain tokens"),
            MethodOption("threshold", 0.9, 0.01...1, "tokens drawn with less probability are uncertain"),
            MethodOption("samples", 9, 1...1000, isWhole: true, "forks at each cut"),
            MethodOption("certain", 0.9, 0.01...1, "tokens drawn with more probability are not trained on; 1: all are"),
        ],
        proof: .reversals(
            "Values of segments teach more than one advantage for all tokens, from as many drawn tokens.",
            arms: [
                .init("SPO-chain", ["method.id=spo-chain", "method.options.responses=2", "method.options.samples=2", "method.options.interval=2", "tokens.groups=8"]),
                .init("GRPO", ["method.id=grpo"]),
            ], verdicts: [.better("SPO-chain", than: "GRPO")])
    ) { option in
        .spoChain(
            TokenSettings(option), interval: option.count("interval"), threshold: option("threshold"), samples: option.count("samples"),
            certain: option("certain"), clip: TokenClip(option))
    }
}
