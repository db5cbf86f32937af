import CKernels
import Tensors

/// One named parameter and where it stands in the flat weights vector.
public struct ParameterSpec: Sendable, Hashable {
    public let name: String
    public let shape: [Int]
    /// Index of its first value.
    public let offset: Int

    public var count: Int { shape.reduce(1, *) }
}

/// The order of a network's parameters in one flat vector: what travels, is saved and is optimised as a whole.
public struct ParameterLayout: Sendable, Hashable {
    public private(set) var specs: [ParameterSpec] = []

    public init() {}

    /// The number of values of all parameters.
    public var count: Int { specs.last.map { $0.offset + $0.count } ?? 0 }

    /// Appends a parameter and returns its index.
    public mutating func add(_ name: String, _ shape: [Int]) -> Int {
        precondition(!specs.contains { $0.name == name }, "there are two parameters named \(name)")
        specs.append(ParameterSpec(name: name, shape: shape, offset: count))
        return specs.count - 1
    }
}

/// The values of all parameters in one vector, with a vector of the same layout for their gradients.
public final class Weights {
    public let layout: ParameterLayout
    /// [count], aligned to 64 bytes.
    public let flat: Tensor
    /// [count]; what backward passes add to.
    public let gradient: Tensor

    /// All zero.
    public init(_ layout: ParameterLayout) {
        self.layout = layout
        flat = Tensor(zeros: [layout.count])
        gradient = Tensor(zeros: [layout.count])
    }

    /// The same values in memory of their own; the gradient starts at 0.
    public func copy() -> Weights {
        let copy = Weights(layout)
        flat.withBuffer { from in copy.flat.withMutableBuffer { _ = $0.update(fromContentsOf: from) } }
        return copy
    }

    /// Moves every value by this share of the way to the other's (Polyak averaging): w += share · (other − w).
    public func approach(_ other: Weights, share: Float) {
        precondition(layout == other.layout, "weights of two layouts")
        flat.withMutableBuffer { w in other.flat.withBuffer { apus_approach(share, $0.baseAddress, w.baseAddress, w.count) } }
    }

    public func zeroGradient() { gradient.withMutableBuffer { $0.update(repeating: 0) } }

    /// Views of the values, constants for every tape.
    public func parameters() -> Parameters { Parameters(layout, flat, nil) }

    /// Views of the values, whose gradients `tape` adds into `gradient`.
    public func parameters(on tape: Tape) -> Parameters { parameters(on: tape, into: gradient) }

    /// The same with another place for the gradients, [count].
    func parameters(on tape: Tape, into gradient: Tensor) -> Parameters { Parameters(layout, flat, (tape, gradient)) }

    /// Adds a gradient that was computed elsewhere.
    func addGradient(_ other: Tensor) {
        gradient.withMutableBuffer { sum in other.withBuffer { apus_axpy(1, $0.baseAddress, sum.baseAddress, sum.count) } }
    }
}

/// The parameters of a network, by the index that `ParameterLayout.add` gave.
public struct Parameters {
    private let tensors: [Tensor]
    private let layout: ParameterLayout
    private let flat: Tensor
    private let tracking: (tape: Tape, gradient: Tensor)?

    init(_ layout: ParameterLayout, _ flat: Tensor, _ tracking: (tape: Tape, gradient: Tensor)?) {
        (self.layout, self.flat, self.tracking) = (layout, flat, tracking)
        tensors = layout.specs.map { Self.view(flat, tracking, $0.offset..<$0.offset + $0.count, $0.shape) }
    }

    public subscript(index: Int) -> Tensor { tensors[index] }

    /// Parameters that stand one after the other, as one matrix with all their rows: one product instead of several.
    public func stacked(_ indices: ClosedRange<Int>) -> Tensor {
        let (first, last) = (layout.specs[indices.lowerBound], layout.specs[indices.upperBound])
        let range = first.offset..<last.offset + last.count
        let columns = first.shape.dropFirst()
        precondition(layout.specs[indices].allSatisfy { $0.shape.dropFirst() == columns }, "rows of different widths cannot be stacked")
        return Self.view(flat, tracking, range, [range.count / columns.reduce(1, *)] + columns)
    }

    private static func view(_ flat: Tensor, _ tracking: (tape: Tape, gradient: Tensor)?, _ range: Range<Int>, _ shape: [Int]) -> Tensor {
        let values = flat.rows(range).reshaped(shape)
        guard let tracking else { return values }
        return tracking.tape.watch(values, accumulatingInto: tracking.gradient.rows(range).reshaped(shape))
    }
}
