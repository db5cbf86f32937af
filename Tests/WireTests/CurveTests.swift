import Glibc
import Platform
import Testing
import Wire

/// What libzmq makes of keys, seen through our sockets: each end has a context of its own, as in programs of their own.
@Suite struct CurveTests {
    private final class Server {
        let keys = KeyPair.make()
        let door: KeyDoor
        let listener: Listener

        init(_ kind: SocketKind, _ allowed: [PublicKey]) throws {
            let context = SocketContext()
            let security = SocketSecurity.server(keys)
            door = try KeyDoor(Self.list(allowed), context: context)
            listener = try Listener(at: Endpoint("tcp://127.0.0.1:*"), context: context) { Socket(kind, in: context, security: security) }
        }

        static func list(_ keys: [PublicKey]) -> AllowList {
            AllowList(keys.enumerated().map { AllowedKey(name: "k\($0)", key: $1, roles: .actor) })
        }

        /// One turn of the thread that owns the sockets.
        func turn() {
            Poll.wait(sockets: [listener.socket, listener.handshakes.events, door.socket], descriptors: [], milliseconds: 2)
            door.serve(now: .now)
            listener.look(now: .now, door: door)
        }
    }

    private final class Client {
        let socket: Socket
        let connection: Connection

        init(_ endpoint: Endpoint, _ security: SocketSecurity, _ kind: SocketKind = .dealer) throws {
            let context = SocketContext()
            socket = Socket(kind, in: context, linger: 0, security: security)
            connection = try Connection(socket, to: endpoint, context: context)
        }
    }

    private func eventually(_ server: Server, within seconds: Double = 5, _ condition: () -> Bool) -> Bool {
        let deadline = Time.now + seconds
        while Time.now < deadline {
            server.turn()
            if condition() { return true }
        }
        return false
    }

    /// Says something; what the server takes for the sender's key.
    private func said(_ client: Client, to server: Server, within seconds: Double = 5) -> PublicKey? {
        var sent = false
        var sender: PublicKey?
        _ = eventually(server, within: seconds) {
            client.connection.look(now: .now)
            sent = sent || client.socket.send([.bytes([1])])
            guard server.listener.socket.receive() != nil else { return false }
            sender = server.listener.socket.sender
            return true
        }
        return sender
    }

    /// Waits for a fault. A connection may also be closed before it is said why; the next attempt tells.
    private func fault(_ expected: HandshakeFault, of client: Client, at server: Server) -> Bool {
        eventually(server) {
            client.connection.look(now: .now)
            return client.connection.fault?.fault == expected
        }
    }

    @Test func anAllowedKeyIsKnownByEveryMessage() throws {
        let keys = [KeyPair.make(), KeyPair.make()]
        let server = try Server(.router, keys.map(\.publicKey))
        for pair in keys {
            let client = try Client(server.listener.endpoint, .client(pair, server: server.keys.publicKey))
            for _ in 0..<3 { #expect(said(client, to: server) == pair.publicKey) }
        }
        #expect(server.door.rejections == Rejections() && server.listener.refusedHandshakes == 0)
    }

    @Test func anUnknownKeyIsToldAndCounted() throws {
        let server = try Server(.router, [])
        let pair = KeyPair.make()
        let client = try Client(server.listener.endpoint, .client(pair, server: server.keys.publicKey))
        #expect(fault(.keyNotAllowed, of: client, at: server))
        #expect(!client.socket.send([.bytes([1])]) && server.listener.socket.receive() == nil)
        let entry = try #require(server.door.rejections.recent.first)
        #expect(entry.fingerprint == pair.publicKey.fingerprint && entry.address == "127.0.0.1")
        // Allowed now: it comes in by itself.
        server.door.list = Server.list([pair.publicKey])
        #expect(said(client, to: server) == pair.publicKey)
        client.connection.look(now: .now)
        #expect(client.connection.fault == nil)
    }

    @Test func theWrongServerIsNotTalkedTo() throws {
        let pair = KeyPair.make()
        let server = try Server(.router, [pair.publicKey])
        let client = try Client(server.listener.endpoint, .client(pair, server: KeyPair.make().publicKey))
        #expect(fault(.hungUp, of: client, at: server))
        #expect(said(client, to: server, within: 0.5) == nil && server.listener.refusedHandshakes > 0)
    }

    @Test func keysOnOneSideOnlyAreNamed() throws {
        let server = try Server(.router, [])
        let bare = try Client(server.listener.endpoint, .none)
        #expect(fault(.mechanism, of: bare, at: server))
        #expect(server.listener.refusedHandshakes > 0)

        let context = SocketContext()
        let open = try Listener(at: Endpoint("tcp://127.0.0.1:*"), context: context) { Socket(.router, in: context) }
        let keyed = try Client(open.endpoint, .client(KeyPair.make(), server: KeyPair.make().publicKey))
        #expect(fault(.mechanism, of: keyed, at: server))
    }

    /// Connections that say nothing are hung up on when there are too many, the oldest first; who has a key comes in, and stays.
    @Test func onlySoManyConnectionsMayWait() throws {
        let (early, late) = (KeyPair.make(), KeyPair.make())
        let server = try Server(.router, [early.publicKey, late.publicKey])
        guard case .tcp(_, let port?) = server.listener.endpoint.transport else { return }
        let first = try Client(server.listener.endpoint, .client(early, server: server.keys.publicKey))
        #expect(said(first, to: server) == early.publicKey)
        var flood: [Int32] = []
        defer { for descriptor in flood { close(descriptor) } }
        var second: Client?
        let began = Time.now
        for number in 0..<1200 {
            flood.append(try silentConnection(from: 0x7f00_0002, to: port))
            if number % 16 == 0 { server.turn() }
            // In the midst of it, from an address that nobody knows.
            if number == 600 { second = try Client(server.listener.endpoint, .client(late, server: server.keys.publicKey)) }
        }
        #expect(eventually(server) { server.listener.handshakes.connections < 560 })
        #expect(eventually(server) { flood.prefix(500).allSatisfy(isHungUp) })
        let (cut, waiting) = (flood.suffix(400).filter(isHungUp).count, server.listener.handshakes.connections)
        #expect(cut == 0 && waiting >= 400 || Time.now - began > 2.5, "who waits with its handshake may do so for three seconds")
        #expect(said(second!, to: server) == late.publicKey)
        #expect(said(first, to: server) == early.publicKey)
        #expect(eventually(server, within: 8) { server.listener.handshakes.connections == 2 })
    }

    /// A connection of an address of this host, which says nothing.
    private func silentConnection(from address: UInt32, to port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        func name(_ host: UInt32, _ port: UInt16) -> sockaddr_in {
            var name = sockaddr_in()
            (name.sin_family, name.sin_port, name.sin_addr.s_addr) = (sa_family_t(AF_INET), port.bigEndian, host.bigEndian)
            return name
        }
        func call(_ name: sockaddr_in, _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
            withUnsafePointer(to: name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
        }
        try #require(call(name(address, 0), bind) == 0 && call(name(0x7f00_0001, port), connect) == 0)
        return descriptor
    }

    /// Whether the other side has closed the connection; before that it may have sent its greeting.
    private func isHungUp(_ descriptor: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { return count == 0 || errno == ECONNRESET }
        }
    }

    /// Whoever was inside is out after a cut, and comes back only if it is still allowed.
    @Test func aCutEndsEveryConnection() throws {
        let (stays, goes) = (KeyPair.make(), KeyPair.make())
        let server = try Server(.router, [stays.publicKey, goes.publicKey])
        let clients = try [stays, goes].map { try Client(server.listener.endpoint, .client($0, server: server.keys.publicKey)) }
        for client in clients { #expect(said(client, to: server) != nil) }
        server.door.list = Server.list([stays.publicKey])
        let before = server.listener.endpoint
        try server.listener.cut()
        #expect(server.listener.endpoint == before)
        #expect(said(clients[0], to: server) == stays.publicKey)
        #expect(fault(.keyNotAllowed, of: clients[1], at: server))
        #expect(said(clients[1], to: server, within: 0.5) == nil)
    }

    @Test func subscribersNeedAKeyToo() throws {
        let pair = KeyPair.make()
        let server = try Server(.publisher, [pair.publicKey])
        let allowed = try Client(server.listener.endpoint, .client(pair, server: server.keys.publicKey), .subscriber)
        let stranger = try Client(server.listener.endpoint, .client(KeyPair.make(), server: server.keys.publicKey), .subscriber)
        let bare = try Client(server.listener.endpoint, .none, .subscriber)
        for client in [allowed, stranger, bare] { client.socket.subscribe(WireProtocol.weightsTopic) }
        var received = false
        #expect(
            eventually(server) {
                server.listener.socket.send([.bytes(WireProtocol.weightsTopic), .bytes([9])])
                received = received || allowed.socket.receive() != nil
                return received
            })
        for _ in 0..<100 {
            server.turn()
            server.listener.socket.send([.bytes(WireProtocol.weightsTopic), .bytes([9])])
        }
        #expect(stranger.socket.receive() == nil && bare.socket.receive() == nil)
    }
}
