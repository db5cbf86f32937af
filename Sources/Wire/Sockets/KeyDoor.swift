import CZeroMQ
import Platform

/// Answers libzmq when a connection proves a key: let in, or not (ZeroMQ RFC 27). Belongs to the thread that owns the sockets; one per context.
public final class KeyDoor {
    public let socket: Socket
    /// Who is let in from now on. Who is in already stays: see `Listener.cut`.
    public var list: AllowList
    public private(set) var rejections = Rejections()
    /// Keys that were let in since the start, by what may have to be cut.
    private var admitted: Set<PublicKey> = []
    /// From where they came.
    private var addresses: Set<String> = []
    private static let addressLimit = 65_536

    public init(_ list: AllowList, context: SocketContext) throws {
        self.list = list
        socket = Socket(.reply, in: context, linger: 0)
        _ = try socket.bind(Endpoint("inproc://zeromq.zap.01"))
    }

    /// Whether a connection may be open that proved this key.
    public func mayBeInside(_ key: PublicKey) -> Bool { admitted.contains(key) }

    /// Whether somebody at this address has proved a key that was allowed then.
    func isKnown(_ address: String) -> Bool { addresses.contains(address) }

    /// Answers all that wait. Connections stand still meanwhile, so it comes first in every turn.
    public func serve(now: Time) {
        while let frames = socket.receive() { socket.send(answer(frames, now).map { .bytes($0) }) }
    }

    private func answer(_ frames: [SharedBytes], _ now: Time) -> [[UInt8]] {
        let parts = frames.map { $0.array(of: UInt8.self) }
        func reply(_ code: String, _ text: String, user: String = "") -> [[UInt8]] {
            ["1.0", nil, code, text, user, ""].map { $0.map { Array($0.utf8) } ?? (parts.count > 1 ? parts[1] : []) }
        }
        // version, request, domain, address, identity, mechanism, key
        guard parts.count == 7, parts[0] == Array("1.0".utf8), parts[5] == Array("CURVE".utf8), let key = PublicKey(bytes: parts[6]) else {
            return reply("400", "no key")
        }
        let address = String(decoding: parts[3].prefix(64), as: UTF8.self)
        guard list[key] != nil else {
            rejections.note(key, address: address, now: now)
            return reply("400", "key not allowed")
        }
        admitted.insert(key)
        if addresses.count < Self.addressLimit { addresses.insert(address) }
        return reply("200", "OK", user: key.z85)
    }
}

/// Who was turned away: the last few, and how often. Bounded, because anybody can make keys.
public struct Rejections: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public var fingerprint: UInt64
        public var address: String
        public var count: UInt64
        public var last: Time
    }

    public private(set) var total: UInt64 = 0
    /// Latest last.
    public private(set) var recent: [Entry] = []

    private static let limit = 16

    public init() {}

    public func told(now: Time) -> [RejectedKey] {
        recent.map { RejectedKey(fingerprint: $0.fingerprint, address: $0.address, count: $0.count, secondsAgo: now - $0.last) }
    }

    mutating func note(_ key: PublicKey, address: String, now: Time) {
        total += 1
        var entry = Entry(fingerprint: key.fingerprint, address: address, count: 0, last: now)
        if let index = recent.firstIndex(where: { $0.fingerprint == entry.fingerprint && $0.address == address }) { entry = recent.remove(at: index) }
        entry.count += 1
        entry.last = now
        recent.append(entry)
        if recent.count > Self.limit { recent.removeFirst() }
    }
}
