import CKernels
import Tensors

/// √Σ g² over a gradient vector.
public func globalNorm(_ gradient: Tensor) -> Float {
    gradient.withBuffer { apus_sum_of_squares($0.baseAddress, $0.count) }.squareRoot()
}

/// The factor that brings a gradient of this norm down to `maximum`: maximum / (norm + 10⁻⁶), at most 1 (as in PyTorch).
public func clipScale(norm: Float, maximum: Float) -> Float { min(maximum / (norm + 1e-6), 1) }

/// Whether no value is infinite or NaN.
public func allFinite(_ tensor: Tensor) -> Bool {
    tensor.withBuffer { apus_all_finite($0.baseAddress, $0.count) } == 1
}

/// How the learning rate changes over a run.
public enum LearningRateSchedule: Sendable, Hashable {
    case constant
    /// In a straight line from the initial value to this fraction of it at the end.
    case linear(to: Double)

    /// - Parameter progress: how much of the run is done, 0 … 1; outside it is taken as the nearer end.
    public func value(progress: Double, initial: Float) -> Float {
        switch self {
        case .constant: return initial
        case .linear(let fraction):
            let done = min(max(progress, 0), 1)
            return Float(Double(initial) * (1 + (fraction - 1) * done))
        }
    }
}
