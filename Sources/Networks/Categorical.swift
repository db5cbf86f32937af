import CKernels
import Tensors

/// A distribution over A actions per row, from logits [N, A]. A logit of −∞ makes an action impossible.
public struct Categorical {
    public let logits: Tensor
    /// [N, A]
    public let logProbabilities: Tensor

    public init(logits: Tensor) {
        precondition(logits.shape.count == 2 && logits.shape[1] > 0, "a categorical distribution needs logits [N, A], not \(logits.shape)")
        self.logits = logits
        logProbabilities = logSoftmax(logits)
    }

    /// [N]: log π of one action per row.
    public func logProb(of actions: [Int32]) -> Tensor { gather(logProbabilities, actions) }

    /// [N], in nats.
    public var entropy: Tensor { Tensors.entropy(logProbabilities: logProbabilities) }

    /// Draws one action per row by the inverse of the cumulative distribution, and gives its log-probability.
    /// - Parameter uniforms: N numbers in [0, 1).
    public func sample(
        uniforms: UnsafeBufferPointer<Float>, actions: UnsafeMutableBufferPointer<Int32>, logProbs: UnsafeMutableBufferPointer<Float>
    ) {
        Categorical.sample(logits: logits, uniforms: uniforms, actions: actions, logProbs: logProbs)
    }

    public func sample(uniforms: [Float], actions: UnsafeMutableBufferPointer<Int32>, logProbs: UnsafeMutableBufferPointer<Float>) {
        uniforms.withUnsafeBufferPointer { sample(uniforms: $0, actions: actions, logProbs: logProbs) }
    }

    /// The same in one pass from logits [N, A], for actors that need nothing else of the distribution.
    public static func sample(
        logits: Tensor, uniforms: UnsafeBufferPointer<Float>, actions: UnsafeMutableBufferPointer<Int32>,
        logProbs: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(logits.shape.count == 2 && logits.shape[1] > 0, "a categorical distribution needs logits [N, A], not \(logits.shape)")
        let rows = logits.shape[0]
        precondition(
            uniforms.count == rows && actions.count == rows && logProbs.count == rows,
            """
            logits of shape \(logits.shape) need as many uniforms, actions and log-probabilities as rows, \
            not \(uniforms.count), \(actions.count) and \(logProbs.count)
            """)
        logits.withBuffer {
            apus_sample($0.baseAddress, uniforms.baseAddress, actions.baseAddress, logProbs.baseAddress, rows, logits.shape[1])
        }
    }

    /// The most probable action of each row; the first of equals.
    public func mode() -> [Int32] { argmax(logits) }
}
