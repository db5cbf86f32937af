import Glibc
import Platform

/// A cable between two programs: passes on what comes on one tcp address to another one, until it is cut or one of its wires is.
final class Relay: Sendable {
    enum Wire: Sendable { case both, toServer, none }

    private let state = Guarded<(wires: Wire, done: Bool)>((.both, false))
    private let thread: Guarded<WorkThread?> = Guarded(nil)

    /// - Parameters:
    ///   - address: where it listens, an address of 127/8.
    ///   - target: the port of 127.0.0.1 that it leads to.
    init(listeningOn address: String, port: UInt16, to target: UInt16) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        guard Self.with(address, port, { bind(listener, $0, $1) == 0 && listen(listener, 16) == 0 }) else {
            close(listener)
            throw Trouble("cannot listen on \(address):\(port): \(String(cString: strerror(errno)))")
        }
        thread.update { [state] in
            $0 = WorkThread("relay") {
                Self.run(listener, target, state)
                close(listener)
            }
        }
    }

    /// What passes from now on. A cut cable holds back what comes; a cut wire loses it.
    func pass(_ wires: Wire) { state.update { $0.wires = wires } }

    func end() {
        state.update { $0.done = true }
        thread.update {
            $0?.join()
            $0 = nil
        }
    }

    private static func run(_ listener: Int32, _ target: UInt16, _ state: Guarded<(wires: Wire, done: Bool)>) {
        var pairs: [(client: Int32, server: Int32)] = []
        defer { for pair in pairs { for end in [pair.client, pair.server] { close(end) } } }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while !state.read({ $0.done }) {
            let wires = state.read { $0.wires }
            var polled = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
            if wires != .none { polled += pairs.flatMap { [$0.client, $0.server].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) } } }
            poll(&polled, nfds_t(polled.count), 20)
            if polled[0].revents != 0, wires != .none {
                let (client, server) = (accept(listener, nil, nil), socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
                if with("127.0.0.1", target, { connect(server, $0, $1) == 0 }) {
                    pairs.append((client, server))
                } else {
                    close(client)
                    close(server)
                }
                continue
            }
            for (index, entry) in polled.dropFirst().enumerated() where entry.revents != 0 {
                let pair = pairs[index / 2]
                let count = read(entry.fd, &buffer, buffer.count)
                guard count > 0 else {
                    for end in [pair.client, pair.server] { close(end) }
                    pairs.remove(at: index / 2)
                    break
                }
                let toServer = index % 2 == 0
                if toServer || wires == .both { write(toServer ? pair.server : pair.client, buffer, count) }
            }
        }
    }

    private static func with(_ address: String, _ port: UInt16, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Bool) -> Bool {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = inet_addr(address)
        return withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
