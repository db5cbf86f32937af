import Platform

/// The element types that travel between processes. The raw values are the wire's codes.
public enum ElementType: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case float32 = 1
    case int32 = 2
    case uint8 = 3

    public var byteCount: Int { self == .uint8 ? 1 : 4 }
    public var description: String { ["float32", "int32", "uint8"][Int(rawValue) - 1] }
}

/// A named block of numbers inside a rollout or a weights vector: little-endian, row-major, contiguous.
public struct Column: Sendable {
    public let name: String
    public let type: ElementType
    public let shape: [Int]
    public let bytes: SharedBytes

    public init(_ name: String, _ type: ElementType, _ shape: [Int], _ bytes: SharedBytes) {
        precondition(bytes.count == shape.reduce(type.byteCount, *), "column \(name): \(bytes.count) bytes do not make \(shape) of \(type)")
        self.name = name
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    public var elementCount: Int { shape.reduce(1, *) }
}
