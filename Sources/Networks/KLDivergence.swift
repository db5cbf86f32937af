import Tensors

extension ActionDistribution {
    /// [rows]: KL(p ‖ q) = E_p[log p − log q] of each row in nats, in closed form, with gradient to whichever of the two a tape tracks.
    ///
    /// That of squashed normal distributions is the one before squashing: a divergence does not change under a bijection.
    public func klDivergence(_ p: PolicyOutput, _ q: PolicyOutput) -> Tensor {
        switch self {
        case .categorical: return categoricalDivergence(p.policy, q.policy)
        case .multiCategorical(let counts):
            var start = 0
            let terms = counts.map { count in
                defer { start += count }
                let columns = start..<start + count
                return categoricalDivergence(p.policy.columns(columns), q.policy.columns(columns))
            }
            return terms.dropFirst().reduce(terms[0], +)
        case .epsilonGreedy: preconditionFailure("values of actions are no distribution")
        case .gaussian, .tanhGaussian:
            // log(σ_q / σ_p) + (σ_p² + (m_p − m_q)²) / 2σ_q² − ½ per number of the action.
            let (deviationP, deviationQ) = (p.logDeviations, q.logDeviations)
            let distance = square(p.policy - q.policy) * exp(-2 * deviationQ)
            return sumLastAxis(deviationQ - deviationP + 0.5 * (exp(2 * (deviationP - deviationQ)) + distance) - 0.5)
        }
    }
}

/// [rows] from logits [rows, A]. An action that is impossible under p adds nothing.
private func categoricalDivergence(_ p: Tensor, _ q: Tensor) -> Tensor {
    // Finite, so that an impossible action gives 0 · finite; no two possible actions are 10⁴ nats apart.
    let (logP, logQ) = (clamp(logSoftmax(p), -1e4, 0), clamp(logSoftmax(q), -1e4, 0))
    return sumLastAxis(exp(logP) * (logP - logQ))
}

extension PolicyOutput {
    /// [rows, A]: log σ of every row of a continuous policy.
    var logDeviations: Tensor {
        guard let logDeviation else { preconditionFailure("the output of a discrete policy") }
        return logDeviation.shape == policy.shape ? logDeviation : addRow(Tensor(zeros: policy.shape), logDeviation)
    }
}
