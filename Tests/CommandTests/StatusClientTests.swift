import Coordinating
import Platform
import Testing
import Wire

@Suite struct StatusClientTests {
    private static let status = Status(
        run: 7, runName: "x", runDirectory: "runs/x", ageSeconds: 1, members: [], lastRecord: nil, refused: 0)

    /// Runs `body` with a client of a coordinator that begins `seconds` later and answers every request as it is told.
    private func inProcess(
        after seconds: Double = 0, _ answer: @escaping @Sendable (ControlMessage) -> [[OutgoingFrame]],
        _ body: (StatusClient) throws -> Void
    ) throws {
        try inScratch { folder in
            let (context, endpoint, done) = (SocketContext(), try Endpoint("ipc://\(folder)/control"), Guarded(false))
            let server = WorkThread("server") {
                Poll.wait(sockets: [], descriptors: [], milliseconds: Int(seconds * 1000))
                let socket = Socket(.router, in: context)
                guard (try? socket.bind(endpoint)) != nil else { return }
                while !done.read({ $0 }) {
                    Poll.wait(sockets: [socket], descriptors: [], milliseconds: 20)
                    guard let frames = socket.receive(), let request = try? ControlMessage(decoding: frames[1]) else { continue }
                    for message in answer(request) { socket.send([.shared(frames[0])] + message) }
                }
            }
            defer {
                done.update { $0 = true }
                server.join()
            }
            try body(StatusClient(coordinator: endpoint, context: context))
        }
    }

    @Test func asksAndIsAnswered() throws {
        try inProcess { request in
            guard request == .statusRequest(protocol: WireProtocol.version) else { return [] }
            // Something else first: only a status is an answer.
            return [[.bytes(ControlMessage.heartbeatReply(run: 7).encoded())], [.bytes(ControlMessage.status(Self.status).encoded())]]
        } _: { client in
            try #expect(client.request(timeout: 5) == Self.status)
            try #expect(client.request(timeout: 5) == Self.status)
        }
    }

    @Test func waitsForOneThatComesLater() throws {
        try inProcess(after: 0.3) { _ in
            [[.bytes(ControlMessage.status(Self.status).encoded())]]
        } _: { client in
            try #expect(client.request(timeout: 5) == Self.status)
        }
    }

    /// The first question was lost with a coordinator that was killed.
    @Test func asksAgain() throws {
        let asked = Guarded(0)
        try inProcess { _ in
            asked.update {
                $0 += 1
                return $0 == 1 ? [] : [[.bytes(ControlMessage.status(Self.status).encoded())]]
            }
        } _: { client in
            try #expect(client.request(timeout: 5) == Self.status)
        }
    }

    @Test func silenceHasADeadline() throws {
        try inScratch { folder in
            let endpoint = try Endpoint("ipc://\(folder)/nobody")
            let client = try StatusClient(coordinator: endpoint, context: SocketContext())
            let start = Time.now
            #expect(throws: StatusError.silent(coordinator: endpoint, seconds: 0.2)) { try client.request(timeout: 0.2) }
            #expect(Time.now - start < 1)
        }
    }

    @Test func refusalsAndForeignAnswersAreTold() throws {
        let refusal = Refusal.protocolMismatch(peer: WireProtocol.version)
        try inProcess { _ in
            [[.bytes(ControlMessage.refusal(refusal).encoded())]]
        } _: { client in
            let error = try #require(throws: StatusError.self) { try client.request(timeout: 5) }
            #expect(error.problem.contains("protocol version") && error.remedy == "Use the same version of Apus on both hosts.")
        }
        try inProcess { _ in
            [[.bytes(Array("HTTP/1.1 400 Bad Request".utf8))]]
        } _: { client in
            let error = try #require(throws: StatusError.self) { try client.request(timeout: 5) }
            #expect(error.problem.contains("none of Apus"))
        }
        try inProcess { _ in
            [[.bytes([1]), .bytes([2])]]
        } _: { client in
            let error = try #require(throws: StatusError.self) { try client.request(timeout: 5) }
            #expect(error.problem.contains("2 frames instead of 1"))
        }
    }
}
