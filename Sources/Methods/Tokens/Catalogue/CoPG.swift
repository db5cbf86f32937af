import Rollouts

/// Contrastive policy gradient (CoPG; S024), over all pairs y, z of a group with l(y) = Σ lp − Σ lr:
///
///     loss = −mean over pairs of ((r_y − r_z) − β/2 (l_y − l_z)) · (l_y − l_z)
///     ∂loss/∂lp = −mean over pairs of (R_y − R_z),   R = r − β l
///
/// Each response's policy gradient has the others' regularised rewards as its baseline: −2 (R_y − mean R) / (G − 1). No weight of importance is
/// needed: whatever policy drew the responses, the only optimum is π_ref exp(r / β).
public struct ContrastivePolicyGradient: TokenTerm {
    /// β
    public var beta: Float
    public let name = "policy_loss"

    public init(_ beta: Float = 0.1) { self.beta = beta }

    public var needs: TokenNeeds { .reference }
    public var seesWholeStep: Bool { true }
    public var aggregate: TokenAggregation? { .sum }

    public func slope(_ step: TokenStep) -> TokenSlope {
        var slope = TokenSlope(step.count)
        let groups = step.groups.map { group in
            group.filter { $0.length > 0 && ![.open, .unverified].contains(step.work.batch.responses[$0.response].end) }
        }.filter { $0.count > 1 }
        for group in groups {
            let distances = group.map { sequence in
                sequence.span.reduce(0) { $0 + step.mask[$1] * (step.logProb[$1] - step.reference[$1]) }
            }
            let (value, parts) = contrast(group.map { step.work.reward[$0.response] }, distances)
            let tokens = group.reduce(0) { $0 + $1.length }
            for (sequence, part) in zip(group, parts) {
                for token in sequence.span {
                    slope.loss[token] = value / (tokens * Float(groups.count))
                    slope.logProb[token] = part / Float(groups.count)
                }
            }
        }
        return slope
    }

    /// The loss of one group, and its derivative by the summed log-probability of every response.
    public func contrast(_ rewards: [Float], _ distances: [Float]) -> (value: Float, parts: [Float]) {
        var (value, parts) = (Float(0), [Float](repeating: 0, count: rewards.count))
        let pairs = Float(rewards.count * (rewards.count - 1) / 2)
        for y in rewards.indices {
            for z in rewards.indices where z > y {
                let (reward, distance) = (rewards[y] - rewards[z], distances[y] - distances[z])
                value -= (reward - beta / 2 * distance) * distance / pairs
                let gap = (reward - beta * distance) / pairs
                parts[y] -= gap
                parts[z] += gap
            }
        }
        return (value, parts)
    }
}

extension TokenMethod {
    /// Contrastive policy gradient (Flet-Berliac et al., 2024; S024): `ContrastivePolicyGradient` over the pairs of every group, the mean over groups.
    /// Groups of one say nothing. The advantages are told in metrics alone.
    ///
    /// Per sequence; rewards and the reference are constants. Staleness class A: data of any age and origin.
    public static func copg(_ settings: TokenSettings = TokenSettings(), beta: Float = 0.1) -> TokenMethod {
        TokenMethod(
            "copg", settings, staleness: .any, stages: [GroupRelative(.none)], terms: [ContrastivePolicyGradient(beta)], aggregate: .sum)
    }
}

extension MethodEntry {
    static let copg = MethodEntry(
        token: "copg", summary: "pairs of responses, each other's baseline: off-policy without weights",
        paper: "Flet-Berliac et al. 2024, arXiv:2406.19185", paperID: "S024",
        options: TokenSettings.options() + [MethodOption("beta", 0.1, 0...10, "β: what leaving the reference policy costs")],
        proof: .lagged(
            "At lag 8 pairs of responses keep more than the policy gradient without correction.",
            arms: [
                .init("CoPG", ["method.id=copg"], lag: 8),
                .init("none", ["method.id=reinforce-tokens", "method.options.mean=1"], lag: 8),
            ], verdicts: [.better("CoPG", than: "none")])
    ) { option in .copg(TokenSettings(option), beta: option("beta")) }
}
