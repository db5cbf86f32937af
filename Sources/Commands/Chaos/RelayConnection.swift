import Glibc
import Platform

/// A connection of a member to a service, and the relay's own to the same service.
struct RelayConnection {
    let service: Fault.Service
    let process: Int32
    let client: Int32
    /// nil before it is made.
    private(set) var server: Int32?
    private var toServer = RelayStream()
    private var toClient = RelayStream()
    /// The far end is gone, and nobody has told the member.
    private var isHalfOpen = false
    /// A side has closed: what is under way still arrives.
    private var clientIsDone = false
    private var serverIsDone = false

    init(client: Int32, service: Fault.Service) {
        self.client = client
        self.service = service
        // pid, uid, gid
        var credentials: (Int32, Int32, Int32) = (0, 0, 0)
        var size = socklen_t(12)
        getsockopt(client, SOL_SOCKET, SO_PEERCRED, &credentials, &size)
        process = credentials.0
    }

    /// The descriptors to wait for, and for what.
    func interests(_ condition: RelayConditions.Condition, now: Time) -> [pollfd] {
        guard condition.cut != .silent || isHalfOpen else { return [] }
        func interest(_ descriptor: Int32, done: Bool, out: RelayStream, into: RelayStream) -> pollfd {
            let reads = !done && out.takesMore
            let writes = into.due.map { $0 <= now } ?? false
            return pollfd(fd: descriptor, events: Int16((reads ? POLLIN : 0) | (writes && condition.bytesPerSecond == nil ? POLLOUT : 0)), revents: 0)
        }
        if isHalfOpen { return [pollfd(fd: client, events: Int16(POLLIN), revents: 0)] }
        guard let server else { return [] }
        let both = [
            interest(client, done: clientIsDone, out: toServer, into: toClient), interest(server, done: serverIsDone, out: toClient, into: toServer),
        ]
        return both.filter { $0.events != 0 }
    }

    /// Whether bytes wait for their time.
    var isWaiting: Bool { !toServer.isEmpty || !toClient.isEmpty }

    /// Carries what there is to carry. Returns false when the connection is over.
    mutating func carry(_ condition: RelayConditions.Condition, to path: String, now: Time) -> Bool {
        if isHalfOpen {
            var swallowed = RelayStream()
            return swallowed.read(from: client, due: now)
        }
        switch condition.cut {
        case .silent: return true
        case .closed: return false
        case .halfOpen where server != nil:
            close(server!)
            server = nil
            isHalfOpen = true
            return true
        case .halfOpen: return true
        case nil: break
        }
        if server == nil { server = Self.connect(path) }
        guard let server else { return false }
        let due = now + condition.delay
        if !clientIsDone, toServer.takesMore { clientIsDone = !toServer.read(from: client, due: due) }
        if !serverIsDone, toClient.takesMore { serverIsDone = !toClient.read(from: server, due: due) }
        guard toServer.write(to: server, now: now, bytesPerSecond: condition.bytesPerSecond),
            toClient.write(to: client, now: now, bytesPerSecond: condition.bytesPerSecond)
        else { return false }
        return !(clientIsDone && toServer.isEmpty) && !(serverIsDone && toClient.isEmpty)
    }

    func closeBoth() {
        close(client)
        if let server { close(server) }
    }

    private static func connect(_ path: String) -> Int32? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        let connected = withUnixAddress(path) { Glibc.connect(descriptor, $0, $1) == 0 } ?? false
        if connected { return descriptor }
        close(descriptor)
        return nil
    }
}

/// The address of a unix socket; nil when the path is too long for one.
func withUnixAddress<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
}
