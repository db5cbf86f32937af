/// The set from which observations or actions come.
public enum Space: Sendable, Hashable {
    /// The numbers 0 ..< n.
    case discrete(Int)
    /// Several discrete choices at once; one n for each.
    case multiDiscrete([Int])
    /// Float vectors of a shape; `low` and `high` hold one bound per element and may be infinite.
    case box(shape: [Int], low: [Float], high: [Float])
    /// Whole numbers 0 … high in one byte each: images (255) and planes of flags (1). A network sees value / high.
    case bytes(shape: [Int], high: UInt8)

    /// Float vectors whose elements all have the same bounds, by default none.
    public static func box(shape: [Int], low: Float = -.infinity, high: Float = .infinity) -> Space {
        let count = shape.reduce(1, *)
        return .box(shape: shape, low: Array(repeating: low, count: count), high: Array(repeating: high, count: count))
    }

    /// The shape of one element: [] for a discrete space, [K] for K discrete choices.
    public var shape: [Int] {
        switch self {
        case .discrete: []
        case .multiDiscrete(let counts): [counts.count]
        case .box(let shape, _, _), .bytes(let shape, _): shape
        }
    }

    /// The numbers in one element: 1 for a discrete space.
    public var count: Int { shape.reduce(1, *) }

    /// How elements are stored and travel.
    public var elementType: ElementType {
        switch self {
        case .discrete, .multiDiscrete: .int32
        case .box: .float32
        case .bytes: .uint8
        }
    }

    /// The bytes of one element.
    public var byteCount: Int { count * elementType.byteCount }
}

/// What an environment's observations may be made of.
public protocol ObservationScalar: BitwiseCopyable, Sendable {
    static var elementType: ElementType { get }
}

extension Float: ObservationScalar {
    public static var elementType: ElementType { .float32 }
}

extension UInt8: ObservationScalar {
    public static var elementType: ElementType { .uint8 }
}
