import Tensors

/// A loss or a gradient that is not a number: the step was refused, nothing has changed.
public struct NonFiniteGradient: Error, Sendable {
    /// The first thing that went bad, in words.
    public let tensor: String

    public init(tensor: String) { self.tensor = tensor }
}

/// Weights that go down the gradient of losses: the weights, their optimiser, and the limit of a gradient's norm.
public final class Descent {
    public let weights: Weights
    private var optimizer: any Optimizer
    private let settings: OptimizerSettings

    public init(_ weights: Weights, _ settings: OptimizerSettings) {
        self.weights = weights
        self.settings = settings
        optimizer = settings.make(count: weights.layout.count)
    }

    /// One step of the optimiser against the gradient of `loss`.
    ///
    /// - Parameter loss: computes one value from parameters that a tape tracks.
    /// - Returns: the loss and the norm of its gradient before it was clipped.
    public func step(
        learningRate: Float, _ loss: (Parameters) -> Tensor
    ) throws(NonFiniteGradient) -> (loss: Float, gradientNorm: Float) {
        weights.zeroGradient()
        let tape = Tape()
        let value = loss(weights.parameters(on: tape))
        tape.backward(value)
        return try step(learningRate: learningRate, loss: value.scalar)
    }

    /// The same with a gradient that stands in `weights.gradient` already.
    public func step(learningRate: Float, loss: Float) throws(NonFiniteGradient) -> (loss: Float, gradientNorm: Float) {
        let norm = globalNorm(weights.gradient)
        guard loss.isFinite, norm.isFinite else { throw NonFiniteGradient(tensor: firstNonFinite(loss)) }
        optimizer.step(weights, learningRate: learningRate, gradientScale: clipScale(norm: norm, maximum: settings.clipNorm))
        return (loss, norm)
    }

    private func firstNonFinite(_ loss: Float) -> String {
        let (specs, constants) = (weights.layout.specs, weights.parameters())
        for (index, spec) in specs.enumerated() where !allFinite(constants[index]) { return "the parameter \(spec.name)" }
        guard loss.isFinite else { return "the loss" }
        for spec in specs where !allFinite(weights.gradient.rows(spec.offset..<spec.offset + spec.count)) {
            return "the gradient of \(spec.name)"
        }
        return "the gradient's norm"
    }

    /// The optimiser's state, as named columns.
    public var state: [Column] { optimizer.state }
    public func restore(_ state: [Column]) throws { try optimizer.restore(state) }

    /// Weights and optimiser as they are now, to go back to.
    public func mark() -> Mark { Mark(weights: copied(weights.flat), optimizer: optimizer.copy()) }

    public func returnTo(_ mark: Mark) {
        weights.flat.withMutableBuffer { flat in mark.weights.withBuffer { _ = flat.update(fromContentsOf: $0) } }
        optimizer = mark.optimizer.copy()
    }

    public struct Mark {
        fileprivate let weights: Tensor
        fileprivate let optimizer: any Optimizer
    }
}
