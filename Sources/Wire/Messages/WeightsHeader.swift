import CWire
import Platform

/// What precedes the parameters of a published policy version.
public struct WeightsHeader: Sendable, Equatable {
    public var `protocol`: UInt32 = WireProtocol.version
    public var run: UInt64
    /// The learner's life: a restarted learner may publish a lower version than its predecessor did.
    public var life: UInt32
    public var version: UInt64
    /// Count of float32 parameters.
    public var parameters: Int
    /// Fingerprint of the network's layout.
    public var layout: UInt64

    public init(run: UInt64, life: UInt32, version: UInt64, parameters: Int, layout: UInt64) {
        self.run = run
        self.life = life
        self.version = version
        self.parameters = parameters
        self.layout = layout
    }

    public func encoded() -> [UInt8] {
        var message = Apus__WeightsHeader()
        apus__weights_header__init(&message)
        message.protocol = self.protocol
        (message.run, message.life, message.version) = (run, life, version)
        (message.parameters, message.layout) = (UInt64(parameters), layout)
        return withUnsafeMutablePointer(to: &message) { pack($0) }
    }

    public init(decoding bytes: SharedBytes) throws(WireError) {
        self = try unpack(bytes, "WeightsHeader", { apus__weights_header__unpack($0, $1, $2) }) { message throws(WireError) in
            guard message.parameters <= UInt64(WireProtocol.maximumFrameBytes) / 4 else {
                throw .invalid(
                    field: "WeightsHeader.parameters", value: "\(message.parameters)", allowed: "at most \(WireProtocol.maximumFrameBytes / 4)")
            }
            var header = WeightsHeader(
                run: message.run, life: message.life, version: message.version, parameters: Int(message.parameters), layout: message.layout)
            header.protocol = message.protocol
            return header
        }
    }
}

/// A published policy version as it stands in memory: the header and its parameters.
public struct PublishedWeights: Sendable {
    public let header: WeightsHeader
    /// [parameters] float32
    public let parameters: SharedBytes

    public init(header: WeightsHeader, parameters: SharedBytes) {
        self.header = header
        self.parameters = parameters
    }

    public var version: UInt64 { header.version }

    /// Reads the frames that follow the topic.
    public init(header bytes: SharedBytes, parameters: SharedBytes) throws(WireError) {
        header = try WeightsHeader(decoding: bytes)
        guard parameters.count == header.parameters * 4 else {
            throw .invalid(field: "weights frame", value: "\(parameters.count) bytes", allowed: "\(header.parameters * 4) bytes")
        }
        self.parameters = parameters
    }
}
