import CKernels
import Platform

/// The order of the values of images in memory.
public enum ImageLayout: String, Sendable, Codable, CaseIterable {
    /// [N, height, width, channels]: what convolutions read fastest and always write.
    case channelsLast
    /// [N, channels, height, width]
    case channelsFirst

    public func shape(_ count: Int, height: Int, width: Int, channels: Int) -> [Int] {
        self == .channelsLast ? [count, height, width, channels] : [count, channels, height, width]
    }
}

/// Images of bytes as environments make them: a constant input, which the first layer of a network turns into values byte / high.
public struct ImageBatch {
    /// [N, height, width, channels] or [N, channels, height, width], as `layout` says.
    public let shape: [Int]
    public let layout: ImageLayout
    /// The byte that stands for 1.
    public let high: Float
    let bytes: UnsafeRawPointer
    private let owner: AnyObject?

    /// - Parameter bytes: stay valid and unchanged as long as the batch or anything recorded from it is used; `owner` is kept alive for
    ///   that.
    public init(_ bytes: UnsafeRawBufferPointer, shape: [Int], layout: ImageLayout, high: Float = 255, owner: AnyObject? = nil) {
        precondition(shape.count == 4, "images have four axes, not \(shape)")
        precondition(bytes.count == shape.reduce(1, *), "\(bytes.count) bytes do not make images of shape \(shape)")
        precondition(high > 0, "the byte that stands for 1 must be above 0, not \(high)")
        self.shape = shape
        self.layout = layout
        self.high = high
        self.bytes = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64)!
        self.owner = owner
    }

    public init(_ bytes: SharedBytes, shape: [Int], layout: ImageLayout, high: Float = 255) {
        self.init(UnsafeRawBufferPointer(start: bytes.pointer, count: bytes.count), shape: shape, layout: layout, high: high, owner: bytes)
    }

    public var count: Int { shape[0] }

    /// The values byte / high, [N, values of an image in the order in which they are stored]: for networks that begin with a dense layer.
    public func flattened() -> Tensor {
        let values = shape.dropFirst().reduce(1, *)
        return Tensor([count, values]) { apus_bytes_to_floats(bytes, 1 / high, $0.baseAddress, $0.count) }
    }

    /// Runs `body` while the bytes are kept alive.
    func withImages<Result>(_ body: (ApusImages) -> Result) -> Result {
        withExtendedLifetime(owner) {
            body(ApusImages(data: bytes, bytes: 1, channels_first: layout == .channelsFirst ? 1 : 0, scale: 1 / high))
        }
    }
}
