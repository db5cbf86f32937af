import CKernels

/// The log-density of actions under normal distributions with independent components: mean [N, A], logDeviation [A] or [N, A], action
/// [N, A] → [N].
///
/// log π(a) = Σ −½ ((a − mean) / σ)² − log σ − ½ log 2π, σ = exp(logDeviation). The gradient of the action is computed when it is tracked.
public func gaussianLogProb(mean: Tensor, logDeviation: Tensor, action: Tensor) -> Tensor {
    let (rows, columns) = matrixShape(mean, "gaussianLogProb")
    precondition(
        mean.shape == action.shape && (logDeviation.shape == [columns] || logDeviation.shape == mean.shape),
        """
        gaussianLogProb needs mean and action [N, A] and logDeviation [A] or [N, A], not \(mean.shape), \(action.shape) and \
        \(logDeviation.shape)
        """)
    let jump = logDeviation.shape == mean.shape ? columns : 0
    let y = Tensor(uninitialized: Array(mean.shape.dropLast()))
    let (center, deviation, point) = (mean.detached, logDeviation.detached, action.detached)
    withExtendedLifetime((center.storage, deviation.storage, point.storage)) {
        apus_gaussian_log_prob(center.base, deviation.base, jump, point.base, y.base, rows, columns)
    }
    let (nodeMean, nodeDeviation, nodeAction) = (mean.node, logDeviation.node, action.node)
    guard let tape = (nodeMean ?? nodeDeviation ?? nodeAction)?.tape else { return y }
    return y.recorded(on: tape, inputs: [nodeMean, nodeDeviation, nodeAction].compactMap { $0 }) { gradient in
        let meanGradient = Tensor(uninitialized: center.shape)
        let deviationGradient = Tensor(zeros: deviation.shape)
        withExtendedLifetime((center.storage, deviation.storage, point.storage, gradient.storage)) {
            apus_gaussian_log_prob_backward(
                center.base, deviation.base, jump, point.base, gradient.base, meanGradient.base, deviationGradient.base, rows, columns)
        }
        nodeDeviation?.receive(deviationGradient)
        nodeAction?.receive(-meanGradient)
        nodeMean?.receive(meanGradient)
    }
}

/// Φ⁻¹ of numbers in [0, 1) with 24 bits, at the middle of the cell that each names: a constant.
public func normalQuantiles(_ uniforms: Tensor) -> Tensor {
    let z = Tensor(uninitialized: uniforms.shape)
    withExtendedLifetime(uniforms.storage) { apus_normal_quantiles(uniforms.base, z.base, z.count) }
    return z
}

/// Σ log(1 − tanh² u) over the last axis, [..., A] → [...]: what the log-density of u exceeds that of tanh u by.
///
/// Computed as 2 (log 2 − u − softplus(−2u)), which neither overflows nor cancels for large |u|.
public func squashLogSlope(_ u: Tensor) -> Tensor {
    let (rows, columns) = matrixShape(u, "squashLogSlope")
    let y = Tensor(uninitialized: Array(u.shape.dropLast()))
    let saved = u.detached
    withExtendedLifetime(saved.storage) { apus_squash_log_slope(saved.base, y.base, rows, columns) }
    return y.recorded(from: u) { gradient in
        withExtendedLifetime((saved.storage, gradient.storage)) {
            Tensor(saved.shape) { apus_squash_log_slope_backward(saved.base, gradient.base, $0.baseAddress, rows, columns) }
        }
    }
}
