import CKernels
import Platform
import Tensors

/// Turns gradients into updates of the weights.
public protocol Optimizer {
    /// One update of `weights.flat` from `weights.gradient` times `gradientScale` (see `clipScale`).
    mutating func step(_ weights: Weights, learningRate: Float, gradientScale: Float)
    /// The same state in memory of its own.
    func copy() -> Self
    /// Everything needed to go on after a restart, as named columns.
    var state: [Column] { get }
    mutating func restore(_ state: [Column]) throws
}

/// Which optimiser, and how gradients are clipped before it.
public struct OptimizerSettings: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable { case adam, rmsprop }

    public var kind: Kind
    public var epsilon: Float
    /// Gradients with a greater global norm are scaled down to it; infinite: no clipping.
    public var clipNorm: Float

    public init(_ kind: Kind = .adam, epsilon: Float = 1e-8, clipNorm: Float = .infinity) {
        self.kind = kind
        self.epsilon = epsilon
        self.clipNorm = clipNorm
    }

    /// An optimiser at its start, for `count` values.
    public func make(count: Int) -> any Optimizer {
        switch kind {
        case .adam: Adam(count: count, epsilon: epsilon)
        case .rmsprop: RMSProp(count: count, epsilon: epsilon)
        }
    }
}

/// Why a saved optimiser state cannot be used.
public struct OptimizerStateError: Remediable {
    public let problem: String
    public let place = "the optimiser's state"
    public let remedy = "Resume with the optimiser and the network that the checkpoint was written with"
}

/// Adam (Kingma and Ba, 2015) as in PyTorch: m and v are corrected for their start at 0, ε is added outside the root.
public struct Adam: Optimizer {
    public var beta1: Float
    public var beta2: Float
    public var epsilon: Float
    private var steps = 0
    private var first: Tensor
    private var second: Tensor

    /// - Parameter count: the number of values of the weights.
    public init(count: Int, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        first = Tensor(zeros: [count])
        second = Tensor(zeros: [count])
    }

    public mutating func step(_ weights: Weights, learningRate: Float, gradientScale: Float = 1) {
        checkCount(first, weights)
        steps += 1
        // As PyTorch does, the corrections are computed in double precision.
        let correction1 = 1 - power(Double(beta1), steps)
        let correction2 = 1 - power(Double(beta2), steps)
        weights.flat.withMutableBuffer { w in
            weights.gradient.withBuffer { g in
                first.withMutableBuffer { m in
                    second.withMutableBuffer { v in
                        apus_adam(
                            w.baseAddress, g.baseAddress, m.baseAddress, v.baseAddress, gradientScale, beta1, beta2, epsilon,
                            Float(Double(learningRate) / correction1), Float(correction2.squareRoot()), w.count)
                    }
                }
            }
        }
    }

    public func copy() -> Adam {
        var copy = self
        (copy.first, copy.second) = (copied(first), copied(second))
        return copy
    }

    public var state: [Column] {
        var steps = Int32(clamping: steps)
        let count = withUnsafeBytes(of: &steps) { SharedBytes(copying: $0) }
        return [column("adam.first", first), column("adam.second", second), Column("adam.steps", .int32, [], count)]
    }

    public mutating func restore(_ state: [Column]) throws {
        let count = first.count
        let first = try tensor("adam.first", [count], state)
        let second = try tensor("adam.second", [count], state)
        let steps = try found("adam.steps", .int32, [], state).bytes.array(of: Int32.self)[0]
        guard steps >= 0 else { throw OptimizerStateError(problem: "adam.steps is \(steps), less than 0") }
        (self.first, self.second, self.steps) = (first, second, Int(steps))
    }
}

/// RMSProp (Tieleman and Hinton, 2012) as in PyTorch: w −= learning rate · g / (√s + ε), ε outside the root.
public struct RMSProp: Optimizer {
    public var alpha: Float
    public var epsilon: Float
    private var meanSquare: Tensor

    /// - Parameter count: the number of values of the weights.
    public init(count: Int, alpha: Float = 0.99, epsilon: Float = 1e-8) {
        self.alpha = alpha
        self.epsilon = epsilon
        meanSquare = Tensor(zeros: [count])
    }

    public mutating func step(_ weights: Weights, learningRate: Float, gradientScale: Float = 1) {
        checkCount(meanSquare, weights)
        weights.flat.withMutableBuffer { w in
            weights.gradient.withBuffer { g in
                meanSquare.withMutableBuffer { s in
                    apus_rmsprop(w.baseAddress, g.baseAddress, s.baseAddress, gradientScale, alpha, epsilon, learningRate, w.count)
                }
            }
        }
    }

    public func copy() -> RMSProp {
        var copy = self
        copy.meanSquare = copied(meanSquare)
        return copy
    }

    public var state: [Column] { [column("rmsprop.mean_square", meanSquare)] }

    public mutating func restore(_ state: [Column]) throws {
        meanSquare = try tensor("rmsprop.mean_square", [meanSquare.count], state)
    }
}

private func checkCount(_ moment: Tensor, _ weights: Weights) {
    precondition(
        moment.count == weights.layout.count, "an optimiser of \(moment.count) values cannot update weights of \(weights.layout.count)")
}

func copied(_ tensor: Tensor) -> Tensor {
    Tensor(tensor.shape) { target in tensor.withBuffer { _ = target.update(fromContentsOf: $0) } }
}

private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, rest) = (1.0, base, exponent)
    while rest > 0 {
        if rest & 1 == 1 { result *= square }
        square *= square
        rest >>= 1
    }
    return result
}

private func column(_ name: String, _ tensor: Tensor) -> Column {
    Column(name, .float32, tensor.shape, tensor.withBuffer { SharedBytes(copying: UnsafeRawBufferPointer($0)) })
}

private func found(_ name: String, _ type: ElementType, _ shape: [Int], _ state: [Column]) throws -> Column {
    guard let column = state.first(where: { $0.name == name }) else { throw OptimizerStateError(problem: "\(name) is missing") }
    guard column.type == type, column.shape == shape else {
        throw OptimizerStateError(problem: "\(name) is \(column.type) \(column.shape), expected \(type) \(shape)")
    }
    return column
}

private func tensor(_ name: String, _ shape: [Int], _ state: [Column]) throws -> Tensor {
    Tensor(try found(name, .float32, shape, state).bytes.array(of: Float.self), shape)
}
