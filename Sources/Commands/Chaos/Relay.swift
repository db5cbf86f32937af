import Glibc
import Platform

/// The network between the members of a run on this machine: carries bytes between unix sockets, and fails as a network does.
///
/// Members find it where they would find each other. It knows who connects by the process id that the kernel tells, so that every member's
/// connections can fail by themselves.
final class Relay {
    let conditions: Guarded<RelayConditions>
    private let thread: WorkThread

    /// - Parameters:
    ///   - folder: where it listens, under the services' names.
    ///   - target: where the services themselves listen.
    init(at folder: String, to target: String) throws {
        let listeners = try Fault.Service.allCases.map { try (service: $0, descriptor: Self.listen("\(folder)/\($0.rawValue)")) }
        let conditions = Guarded(RelayConditions())
        self.conditions = conditions
        thread = WorkThread("relay") {
            var connections: [RelayConnection] = []
            while true {
                let current = conditions.read { $0 }
                if current.isClosing { break }
                Self.wait(listeners.map(\.descriptor), connections, current)
                for listener in listeners {
                    while let client = Self.accepted(listener.descriptor) {
                        connections.append(RelayConnection(client: client, service: listener.service))
                    }
                }
                let now = Time.now
                for index in connections.indices.reversed() {
                    let condition = current.condition(of: connections[index].process, at: connections[index].service)
                    guard !connections[index].carry(condition, to: "\(target)/\(connections[index].service.rawValue)", now: now) else { continue }
                    connections[index].closeBoth()
                    connections.remove(at: index)
                }
            }
            for connection in connections { connection.closeBoth() }
            for listener in listeners { Glibc.close(listener.descriptor) }
        }
    }

    /// Ends it, and every connection with it. Call it once.
    func close() {
        conditions.update { $0.isClosing = true }
        thread.join()
    }

    /// Until something can be carried, or conditions may have changed.
    private static func wait(_ listeners: [Int32], _ connections: [RelayConnection], _ conditions: RelayConditions) {
        let now = Time.now
        var items = listeners.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var isWaiting = false
        for connection in connections {
            items += connection.interests(conditions.condition(of: connection.process, at: connection.service), now: now)
            isWaiting = isWaiting || connection.isWaiting
        }
        poll(&items, nfds_t(items.count), isWaiting ? 2 : 10)
    }

    /// The next connection that somebody has made; nil when there is none.
    private static func accepted(_ listener: Int32) -> Int32? {
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    private static func listen(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        let isBound = withUnixAddress(path) { bind(descriptor, $0, $1) == 0 && Glibc.listen(descriptor, 128) == 0 } ?? false
        guard isBound else {
            let code = errno
            Glibc.close(descriptor)
            throw FileError("listen on", path, code: code)
        }
        return descriptor
    }
}
