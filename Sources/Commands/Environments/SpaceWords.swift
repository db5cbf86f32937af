import Platform
import Tensors

/// Spaces for people and for programs.
extension Space {
    var words: String {
        switch self {
        case .discrete(let count): "one of \(count)"
        case .multiDiscrete(let counts): "one of each: \(counts.map(String.init).joined(separator: ", "))"
        case .bytes(let shape, let high): "\(shape.map(String.init).joined(separator: " × ")) whole numbers from 0 to \(high)"
        case .box(let shape, let low, let high) where low.count <= 8:
            "\(Self.count(shape)) in "
                + zip(low, high).map { "[\(Self.bound($0)), \(Self.bound($1))]" }.joined(separator: " ")
        case .box(let shape, _, _): Self.count(shape)
        }
    }

    private static func count(_ shape: [Int]) -> String {
        shape == [1] ? "1 number" : "\(shape.map(String.init).joined(separator: " × ")) numbers"
    }

    private static func bound(_ value: Float) -> String {
        value.isInfinite ? (value < 0 ? "−∞" : "∞") : Format.decimal(Double(value), 2)
    }

    var json: JSON {
        switch self {
        case .discrete(let count): .object([.init("type", .string("discrete")), .init("count", .integer(count))])
        case .multiDiscrete(let counts):
            .object([.init("type", .string("multi_discrete")), .init("counts", .array(counts.map(JSON.integer)))])
        case .bytes(let shape, let high):
            .object([
                .init("type", .string("bytes")), .init("shape", .array(shape.map(JSON.integer))), .init("high", .integer(Int(high))),
            ])
        case .box(let shape, let low, let high):
            // JSON has no infinite numbers: null is "no bound".
            .object([
                .init("type", .string("box")), .init("shape", .array(shape.map(JSON.integer))),
                .init("low", .array(low.map { .number(Double($0)) })), .init("high", .array(high.map { .number(Double($0)) })),
            ])
        }
    }
}
