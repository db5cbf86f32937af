import Coordinating
import Platform
import Wire

/// Whether messages pass through this machine's sockets, by passing one.
enum Transports {
    static var findings: [Finding] { [unixSockets, loopback, port] }

    /// How long a message may take, in seconds.
    private static let patience = 2.0

    private static var unixSockets: Finding {
        do {
            let folder = try RuntimeDirectory.create()
            defer { try? Files.remove(folder) }
            try exchange(Endpoint("ipc://\(folder)/doctor"))
            return .fine("unix sockets", "a message passed through \(Files.parent(of: folder))")
        } catch {
            return .broken("unix sockets", error)
        }
    }

    private static var loopback: Finding {
        do {
            try exchange(Endpoint("tcp://127.0.0.1:*"))
            return .fine("tcp loopback", "a message passed through 127.0.0.1")
        } catch {
            return .broken("tcp loopback", error)
        }
    }

    /// Binds, connects, sends there and back.
    private static func exchange(_ endpoint: Endpoint) throws {
        let context = SocketContext()
        let (server, client) = (Socket(.router, in: context, linger: 0), Socket(.dealer, in: context, linger: 0))
        let bound = try server.bind(endpoint)
        try client.connect(bound)
        let deadline = Time.now + patience
        var sent = false
        while Time.now < deadline {
            if !sent { sent = client.send([.bytes([1])]) }
            Poll.wait(sockets: [server, client], descriptors: [], milliseconds: 5)
            if let frames = server.receive(), let peer = frames.first { server.send([.shared(peer), .bytes([2])]) }
            if client.receive() != nil { return }
        }
        throw NoPassage(place: bound.description)
    }

    private static let standardAddress = "tcp://127.0.0.1:7700"

    /// Where apus-coordinator listens if nothing else is said. Another run on it is no fault.
    private static var port: Finding {
        do {
            let address = try Endpoint(standardAddress)
            let context = SocketContext()
            do {
                _ = try Socket(.router, in: context, linger: 0).bind(address)
                return .fine("port 7700", "free")
            } catch {
                let other = "Choose another one: apus-coordinator --bind tcp://127.0.0.1:7701"
                guard let status = try? StatusClient(coordinator: address, context: context).request(timeout: 0.5) else {
                    return .warning("port 7700", "another program listens there", remedy: other)
                }
                return .warning("port 7700", "the coordinator of \(status.runName) listens there", remedy: other)
            }
        } catch {
            return .broken("port 7700", error)
        }
    }
}

/// A socket was opened and its messages do not arrive.
private struct NoPassage: Remediable {
    let place: String
    let problem = "a socket was opened, but no message arrives"
    let remedy = "Allow local connections in the firewall or the sandbox that this shell runs in."
}
