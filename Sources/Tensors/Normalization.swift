import CKernels

/// (x − mean) / √(variance + ε) · weight + bias over the last axis (Ba et al., 2016): x [..., C], weight [C], bias [C].
public func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float = 1e-5) -> Tensor {
    norm(x, weight, bias, epsilon, "layerNorm")
}

/// x / √(mean of x² + ε) · weight over the last axis (Zhang and Sennrich, 2019): x [..., C], weight [C].
public func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float = 1e-6) -> Tensor {
    norm(x, weight, nil, epsilon, "rmsNorm")
}

private func norm(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ epsilon: Float, _ name: StaticString) -> Tensor {
    let (rows, columns) = matrixShape(x, name)
    precondition(
        weight.shape == [columns] && (bias == nil || bias?.shape == [columns]),
        "\(name) needs a weight and a bias [\(columns)] for x \(x.shape), not \(weight.shape) and \(bias?.shape ?? [])")
    let y = Tensor(uninitialized: x.shape)
    let normalized = Tensor(uninitialized: x.shape)
    let scales = Tensor(uninitialized: [rows])
    let factor = weight.detached
    withExtendedLifetime((x.storage, factor.storage, bias?.storage)) {
        apus_layer_norm(x.base, factor.base, bias?.base, epsilon, y.base, normalized.base, scales.base, rows, columns)
    }
    let (nodeX, nodeWeight, nodeBias) = (x.node, weight.node, bias?.node)
    guard let tape = (nodeX ?? nodeWeight ?? nodeBias)?.tape else { return y }
    let hasBias = bias != nil
    return y.recorded(on: tape, inputs: [nodeX, nodeWeight, nodeBias].compactMap { $0 }) { gradient in
        let weightGradient = Tensor(zeros: [columns])
        let biasGradient = hasBias ? Tensor(zeros: [columns]) : nil
        withExtendedLifetime((factor.storage, normalized.storage, scales.storage, gradient.storage)) {
            apus_layer_norm_backward(
                normalized.base, scales.base, factor.base, gradient.base, weightGradient.base, biasGradient?.base, rows, columns)
        }
        nodeWeight?.receive(weightGradient)
        if let biasGradient { nodeBias?.receive(biasGradient) }
        nodeX?.receive(gradient)
    }
}

/// (x − mean) · scale limited to ±limit, for observations: x [..., C] a constant, mean [C], scale [C]. Nothing is recorded.
public func normalize(_ x: Tensor, mean: Tensor, scale: Tensor, limit: Float = .infinity) -> Tensor {
    let (rows, columns) = matrixShape(x, "normalize")
    precondition(
        mean.shape == [columns] && scale.shape == [columns],
        "normalize needs a mean and a scale [\(columns)] for x \(x.shape), not \(mean.shape) and \(scale.shape)")
    precondition(!x.isTracked && !mean.isTracked && !scale.isTracked, "normalize has no gradient: give it `detached` tensors")
    let y = Tensor(uninitialized: x.shape)
    withExtendedLifetime((x.storage, mean.storage, scale.storage)) {
        apus_normalize(x.base, mean.base, scale.base, limit, y.base, rows, columns)
    }
    return y
}

/// Sums over the rows of a matrix, per column, of the distances from a shift near the mean: from them follow mean and variance of many
/// batches without the loss of precision that sums of plain squares have.
public struct ColumnMoments: Sendable, Hashable {
    public let count: Int
    /// Σ (x − shift) per column
    public let sums: [Double]
    /// Σ (x − shift)² per column
    public let squares: [Double]
}

/// - Parameter shift: a value near each column's mean, for instance the running mean; one per column.
public func columnMoments(_ x: Tensor, shift: [Double]) -> ColumnMoments {
    let (rows, columns) = matrixShape(x, "columnMoments")
    precondition(shift.count == columns, "columnMoments needs \(columns) shifts for x \(x.shape), not \(shift.count)")
    var sums = [Double](repeating: 0, count: columns)
    var squares = sums
    withExtendedLifetime(x.storage) { apus_column_moments(x.base, shift, &sums, &squares, rows, columns) }
    return ColumnMoments(count: rows, sums: sums, squares: squares)
}
