import Glibc
import Platform
import Testing
import Wire

@Suite struct SocketTests {
    /// Runs `body` with a folder for unix sockets, which must be empty again afterwards.
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = try RuntimeDirectory.create()
        defer { try? Files.remove(folder) }
        try body(folder)
        #expect(try Files.list(folder).isEmpty)
    }

    private func receive(_ socket: Socket, seconds: Double = 5) -> [SharedBytes]? {
        let deadline = Time.now + seconds
        while Time.now < deadline {
            if let frames = socket.receive() { return frames }
            Poll.wait(sockets: [socket], descriptors: [], milliseconds: 20)
        }
        return nil
    }

    /// Sends as soon as there is a connection.
    private func send(_ socket: Socket, _ frames: [OutgoingFrame]) -> Bool {
        let deadline = Time.now + 5
        while Time.now < deadline {
            if socket.send(frames) { return true }
            Poll.wait(sockets: [], descriptors: [], milliseconds: 5)
        }
        return false
    }

    @Test(arguments: ["ipc", "tcp", "inproc"]) func framesOfEverySizeArriveWhole(transport: String) throws {
        try inFolder { folder in
            let context = SocketContext()
            let router = Socket(.router, in: context)
            let address = ["ipc": "ipc://\(folder)/s", "tcp": "tcp://127.0.0.1:*", "inproc": "inproc://s"][transport]!
            let bound = try router.bind(Endpoint(address))
            let dealer = Socket(.dealer, in: context)
            try dealer.connect(bound)
            // Around the border between copied and shared frames, and as large as a rollout of images.
            let sizes = [0, 1, 33, 1023, 1024, 1025, 20_000_000, 0]
            let released = Guarded(0)
            let frames = sizes.map { size in
                let memory = UnsafeMutableRawPointer.allocate(byteCount: max(size, 1), alignment: 64)
                for index in 0..<size { memory.storeBytes(of: UInt8(truncatingIfNeeded: index &* 31 &+ size), toByteOffset: index, as: UInt8.self) }
                return OutgoingFrame.shared(SharedBytes(memory, count: size) { pointer in
                    UnsafeMutableRawPointer(mutating: pointer).deallocate()
                    released.update { $0 += 1 }
                })
            }
            func deliver(_ frames: [OutgoingFrame]) {
                #expect(send(dealer, [.bytes([])] + frames))
                guard let received = receive(router) else { return #expect(Bool(false), "nothing arrived") }
                #expect(received.dropFirst().map(\.count) == [0] + sizes)
                for frame in received.dropFirst(2) {
                    let good = frame.withBytes { bytes in
                        bytes.indices.allSatisfy { bytes[$0] == UInt8(truncatingIfNeeded: $0 &* 31 &+ bytes.count) }
                    }
                    #expect(good)
                }
                // And back by the identity that came with it.
                #expect(router.send([.shared(received[0]), .bytes([7])]))
                #expect(receive(dealer)?.map { $0.array(of: UInt8.self) } == [[7]])
            }
            // Twice, to see that sent frames can be sent again.
            deliver(frames)
            #expect(released.read { $0 } == 0)
            deliver(frames)
        }
    }

    @Test func memoryOfSentFramesIsGivenBack() throws {
        let context = SocketContext()
        let router = Socket(.router, in: context)
        let dealer = Socket(.dealer, in: context)
        try dealer.connect(router.bind(Endpoint("tcp://127.0.0.1:*")))
        let released = Guarded(0)
        for _ in 0..<50 {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 64)
            memory.initializeMemory(as: UInt8.self, repeating: 1, count: 4096)
            let bytes = SharedBytes(memory, count: 4096) { pointer in
                UnsafeMutableRawPointer(mutating: pointer).deallocate()
                released.update { $0 += 1 }
            }
            #expect(send(dealer, [.shared(bytes)]))
            #expect(receive(router)?.count == 2)
        }
        #expect(released.wait(until: .now + 5) { $0 == 50 ? true : nil } == true)
    }

    @Test func nobodyIsThereToSendTo() throws {
        let context = SocketContext()
        let dealer = Socket(.dealer, in: context)
        try dealer.connect(Endpoint("tcp://127.0.0.1:1"))
        #expect(!dealer.send([.bytes([1]), .bytes([2])]))
        #expect(dealer.receive() == nil)
    }

    @Test func anOversizePeerIsDisconnectedAndNobodyElse() throws {
        let context = SocketContext()
        let router = Socket(.router, in: context, frameLimit: 1000)
        let bound = try router.bind(Endpoint("tcp://127.0.0.1:*"))
        let (large, other) = (Socket(.dealer, in: context), Socket(.dealer, in: context))
        try large.connect(bound)
        try other.connect(bound)
        #expect(send(large, [.bytes([UInt8](repeating: 1, count: 1001))]))
        #expect(send(large, [.bytes([UInt8](repeating: 1, count: 10)), .bytes([UInt8](repeating: 1, count: 1001))]))
        #expect(send(other, [.bytes([UInt8](repeating: 2, count: 1000))]))
        #expect(receive(router)?[1].count == 1000)
        #expect(router.receive() == nil)
        // The offender may come again.
        var back: [SharedBytes]?
        for _ in 0..<20 where back == nil {
            _ = send(large, [.bytes([3])])
            back = receive(router, seconds: 0.5)
        }
        #expect(back?[1].array(of: UInt8.self) == [3])
    }

    @Test func framesBeyondTheContractAreThrownAway() throws {
        let context = SocketContext()
        let router = Socket(.router, in: context)
        let dealer = Socket(.dealer, in: context)
        try dealer.connect(router.bind(Endpoint("tcp://127.0.0.1:*")))
        #expect(send(dealer, [OutgoingFrame](repeating: .bytes([1]), count: 5000)))
        #expect(send(dealer, [.bytes([2])]))
        #expect((receive(router)?.count).map { $0 < 50 } == true)
        #expect(receive(router)?[1].array(of: UInt8.self) == [2])
    }

    @Test func everyNewSubscriberGetsTheLastValue() throws {
        let context = SocketContext()
        let publisher = Socket(.publisher, in: context, sendLimit: 4)
        let bound = try publisher.bind(Endpoint("tcp://127.0.0.1:*"))
        let value: [OutgoingFrame] = [.bytes(WireProtocol.weightsTopic), .bytes([5])]
        func serveOneSubscription() {
            // `subscribe` ends a subscription of before, if there is one; both are reported.
            var reported: [SharedBytes]?
            repeat { reported = receive(publisher) } while reported?[0].withBytes { $0.first } == 0
            #expect(reported?[0].array(of: UInt8.self) == [1] + WireProtocol.weightsTopic)
            publisher.send(value)
        }
        for _ in 0..<2 {
            let subscriber = Socket(.subscriber, in: context)
            try subscriber.connect(bound)
            subscriber.subscribe(WireProtocol.weightsTopic)
            serveOneSubscription()
            #expect(receive(subscriber)?.last?.array(of: UInt8.self) == [5])
            subscriber.subscribe(WireProtocol.weightsTopic)
            serveOneSubscription()
            #expect(receive(subscriber)?.last?.array(of: UInt8.self) == [5])
        }
    }

    @Test func addressesThatCannotBeBoundNameTheRemedy() throws {
        try inFolder { folder in
            let context = SocketContext()
            let first = Socket(.router, in: context)
            let taken = try first.bind(Endpoint("tcp://127.0.0.1:*"))
            func remedy(_ address: String) -> String {
                do {
                    _ = try Socket(.router, in: context).bind(Endpoint(address))
                    return "bound"
                } catch { return "\(error)" }
            }
            #expect(remedy(taken.description).contains("Another program listens there: stop it, or choose another port"))
            let listening = Socket(.router, in: context)
            _ = try listening.bind(Endpoint("ipc://\(folder)/s"))
            #expect(remedy("ipc://\(folder)/s").contains("Another program listens there"))
            #expect(remedy("tcp://192.0.2.1:7700").contains("Bind to an address of this host"))
            #expect(remedy("tcp://no.such.host.invalid:7700").contains("address of this host"))
            #expect(remedy("ipc://\(folder)/missing/s").contains("existing folder"))
            #expect(remedy("ipc:///proc/s").contains("folder"))
        }
    }

    @Test func aSocketFileWithoutItsProgramIsReplaced() throws {
        try inFolder { folder in
            let context = SocketContext()
            let path = "\(folder)/s"
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
            }
            #expect(bound == 0)
            close(descriptor)
            #expect(Files.exists(path))
            _ = try Socket(.router, in: context).bind(Endpoint("ipc://\(path)"))
        }
    }

    @Test func signalsAreEvents() {
        let event = WakeUp()
        let signals = Signals(descriptor: event.descriptor)
        var count = 0
        #expect(signals.received(before: &count) == false)
        event.signal()
        #expect(signals.received(before: &count) == true)
        #expect(count == 1)
        #expect(signals.received(before: &count) == false)
        #expect(Signals.none.received(before: &count) == false)
    }
}
