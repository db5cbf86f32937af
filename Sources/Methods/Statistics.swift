import Tensors

/// Mean and (population) variance of all elements, in double precision.
func moments(_ tensor: Tensor) -> (mean: Double, variance: Double) {
    tensor.withBuffer { values in
        let shift = Double(values.first ?? 0)
        var (sum, squares) = (0.0, 0.0)
        for value in values {
            let deviation = Double(value) - shift
            sum += deviation
            squares += deviation * deviation
        }
        let count = Double(max(values.count, 1))
        return (shift + sum / count, max(squares / count - (sum / count) * (sum / count), 0))
    }
}

/// (x − mean) / (standard deviation + 1e-8) over all elements.
func normalized(_ tensor: Tensor) -> Tensor {
    let (mean, variance) = moments(tensor)
    return (tensor - Float(mean)) * Float(1 / (variance.squareRoot() + 1e-8))
}

/// 1 − Var(target − prediction) / Var(target): 1 for a perfect prediction, 0 for one that knows the mean at best; 0 where the targets do
/// not vary.
func explainedVariance(of target: Tensor, by prediction: Tensor) -> Float {
    let variance = moments(target).variance
    return variance > 0 ? Float(1 - moments(target - prediction).variance / variance) : 0
}

/// The share of a tensor's values that lie outside of [low, high].
func share(_ tensor: Tensor, outside low: Float, _ high: Float) -> Float {
    tensor.withBuffer { values in Float(values.count { $0 < low || $0 > high }) / Float(max(values.count, 1)) }
}
