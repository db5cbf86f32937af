import Rollouts

/// Leaves out tokens whose step would move the last layer too far (CAPO; S071), by a model of that layer alone. Logits are W h; with v = e_a − π and
/// g = A v hᵀ, D what the optimiser would make of g from its memory as it is, η the learning rate and u = D h:
///
///     m_H = η ⟨g, D⟩ + ½ η² A ((v·u)² − uᵀ(diag π − π πᵀ)u)   the change of the objective A π(a) / π_old(a)
///     m_F = ½ η² (v·u)²                                         half the square of the change of log π(a)
///
/// A token is kept where |m_H| < τ_H and m_F < τ_F. Each token is judged as if it alone made the step.
public struct CurvatureMask: TokenStage {
    /// τ_H
    public var objective: Float
    /// τ_F
    public var policy: Float

    public init(objective: Float = 0.01, policy: Float = 1e-4) {
        self.objective = objective
        self.policy = policy
    }

    public var needs: TokenNeeds { .lastLayer }

    public func apply(_ work: inout TokenWork) {
        guard let last = work.last else { preconditionFailure("nobody has computed what the last layer sees") }
        var (count, rejected) = (0, 0)
        var (objectives, policies) = (Float(0), Float(0))
        for response in work.batch.responses.indices {
            for (token, action) in zip(work.batch.spans[response], work.batch.responses[response].tokens) where work.mask[token] > 0 {
                count += 1
                guard work.advantage[token] != 0 else { continue }
                let (shift, distance) = CurvatureMask.shifts(last, token, Int(action), work.advantage[token], rate: work.moment.learningRate)
                (objectives, policies) = (max(objectives, abs(shift)), max(policies, distance))
                if !(abs(shift) < objective && distance < policy) {
                    work.mask[token] = 0
                    rejected += 1
                }
            }
        }
        work.metrics += [
            ("tokens_rejected", Float(rejected) / Float(max(count, 1))), ("largest_objective_shift", objectives),
            ("largest_policy_shift", policies),
        ]
    }

    /// m_H and m_F of a token.
    public static func shifts(
        _ last: LastLayer, _ token: Int, _ action: Int, _ advantage: Float, rate: Float
    ) -> (objective: Float, policy: Float) {
        let (hidden, probabilities) = (token * last.width, token * last.vocabulary)
        var (inner, along, square, mean) = (Float(0), Float(0), Float(0), Float(0))
        for row in 0..<last.vocabulary {
            let probability = last.probabilities[probabilities + row]
            let v = (row == action ? 1 : 0) - probability
            var u = Float(0)
            for column in 0..<last.width {
                let h = last.hidden[hidden + column]
                // The optimiser knows gradients of the loss, which are those of −A log π.
                u -= last.direction(-advantage * v * h, row * last.width + column) * h
            }
            inner += advantage * v * u
            along += v * u
            square += probability * u * u
            mean += probability * u
        }
        let curvature = square - mean * mean
        let half = rate * rate / 2
        return (rate * inner + half * advantage * (along * along - curvature), half * along * along)
    }
}

extension TokenMethod {
    /// Curvature-aware policy optimisation (Melo et al., 2025; S071): GRPO without the tokens that `CurvatureMask` leaves out, for learning
    /// rates and small batches that GRPO does not survive. Without limits it is GRPO, bit for bit.
    ///
    /// The released code models the moments of the last layer's gradient apart; Apus reads those of its own optimiser. Before its first step
    /// they are empty, and D = g, as there. Staleness class C, as GRPO.
    public static func capo(
        _ settings: TokenSettings = TokenSettings(), scale: GroupRelative.Scale = .group, mask: CurvatureMask = CurvatureMask(),
        clip: TokenClip = TokenClip()
    ) -> TokenMethod {
        TokenMethod("capo", settings, stages: [GroupRelative(scale), mask], terms: [clip], aggregate: .sequenceMeanTokenMean)
    }
}

extension MethodEntry {
    static let capo = MethodEntry(
        token: "capo", summary: "GRPO without tokens whose step would move the last layer too far", paper: "Melo et al. 2025, arXiv:2510.00819",
        paperID: "S071",
        options: TokenSettings.options() + TokenSettings.clipOptions() + [
            MethodOption("objective_limit", 0.01, 0...(.infinity), "τ_H: the largest change of the objective"),
            MethodOption("policy_limit", 1e-4, 0...(.infinity), "τ_F: the largest ½ (change of log π)²"),
            MethodOption("std", 1, 0...1, isFlag: true, "divide by the group's standard deviation"),
        ],
        proof: .reversals(
            "With a step four times as large, leaving out tokens that would move the policy too far keeps it learning.", changes: ["optimizer.learning_rate=0.002"],
            arms: [
                .init("CAPO", ["method.id=capo", "method.options.std=1"]),
                .init("GRPO", ["method.id=grpo"]),
            ], verdicts: [.better("CAPO", than: "GRPO")])
    ) { option in
        .capo(
            TokenSettings(option), scale: option.flag("std") ? .group : .none,
            mask: CurvatureMask(objective: option("objective_limit"), policy: option("policy_limit")), clip: TokenClip(option))
    }
}
