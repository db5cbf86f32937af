import Glibc
import Platform
import Runs
import Testing
import Wire

extension Cluster {
    /// Programs that talk to a live run without being part of it.
    @Suite struct StrangerTests {
        @Test func whatIsNoMessageIsRefusedAndCountedAndTheRunCompletes() throws {
            try scene { scene in
                let run = try HandRun(scene, endless(frames: 1_000_000_000))
                let (coordinator, learner, actor) = (try run.start(.coordinator), try run.start(.learner), try run.start(.actor))
                try run.directory.expectProgress()
                let hello = Hello(role: .actor, token: 77, host: "elsewhere", pid: 1)
                var future = hello
                future.protocol = 99
                let nonsense: [[OutgoingFrame]] = [
                    [.bytes(Array("GET / HTTP/1.1\r\n\r\n".utf8))], [.bytes([])],
                    [.bytes((0..<1000).map { _ in UInt8.random(in: 0...255) })],
                    [.bytes(Array(ControlMessage.hello(hello).encoded().dropLast(3)))],
                    [.bytes(ControlMessage.hello(hello).encoded()), .bytes([1])],
                    [.bytes(ControlMessage.hello(future).encoded())], [.bytes(ControlMessage.statusRequest(protocol: 99).encoded())],
                ]
                let stranger = try Stranger(Endpoint(run.address))
                let answers = try stranger.say(nonsense)
                let refusals = try answers.map { answer -> Refusal in
                    guard case .refusal(let refusal) = try ControlMessage(decoding: answer) else { throw Trouble("no refusal") }
                    return refusal
                }
                #expect(refusals.count == nonsense.count && refusals.allSatisfy { !$0.problem.isEmpty && !$0.remedy.isEmpty })
                let protocols = refusals.filter { $0.code == .protocol }
                #expect(protocols.count == 2)
                #expect(protocols.allSatisfy { $0.problem.contains("99") && $0.problem.contains("\(WireProtocol.version)") })
                #expect(try run.status().refused == nonsense.count)
                #expect(try run.count(.actor) == 1)

                // Too large a frame is not even taken in: it costs the connection, and the next one is as good as any.
                try eventually("the frame is sent", within: 15) { stranger.socket.send([.bytes([UInt8](repeating: 0, count: 64 << 20))]) }
                guard case .refusal = try ControlMessage(decoding: stranger.say([[.bytes([1])]])[0]) else { throw Trouble("no refusal") }

                try run.directory.expectProgress(50_000)
                try run.stop(coordinator, [learner, actor])
                try run.directory.expectSound()
            }
        }

        @Test func theLearnerRefusesStrangersToo() throws {
            try scene { scene in
                let run = try HandRun(scene, endless(frames: 1_000_000_000))
                let (coordinator, learner, actor) = (try run.start(.coordinator), try run.start(.learner), try run.start(.actor))
                try run.directory.expectProgress()
                let status = try run.status()
                let place = MemberPlace(rank: 50, incarnation: 0)
                let attach = Attach(run: status.run, actor: place, firstUnacknowledged: 1, nextSequence: 1, producing: false)
                var (future, lost) = (attach, attach)
                future.protocol = 99
                lost.run = status.run &+ 1
                let nonsense: [[OutgoingFrame]] = [
                    [.bytes([])], [.bytes((0..<1000).map { _ in UInt8.random(in: 0...255) })],
                    [.bytes(Array(StreamMessage.attach(attach).encoded().dropLast(2)))], [.bytes([UInt8](repeating: 0, count: 2 << 20))],
                    [.bytes(StreamMessage.ping(produced: 3).encoded())], [.bytes(StreamMessage.attach(future).encoded())],
                    [.bytes(StreamMessage.attach(lost).encoded())],
                ]
                let answers = try Stranger(streamAddress(learner)).say(nonsense)
                for answer in answers {
                    guard case .refusal(let refusal) = try StreamMessage(decoding: answer) else { throw Trouble("no refusal") }
                    #expect(!refusal.problem.isEmpty && !refusal.remedy.isEmpty)
                }
                try eventually("the refusals are counted", within: 15) {
                    try run.status().members.first { $0.role == .learner }?["refused"] == Double(nonsense.count)
                }
                try run.directory.expectProgress(50_000)
                try run.stop(coordinator, [learner, actor])
                try run.directory.expectSound()
            }
        }

        /// Bytes that are not even ZeroMQ.
        @Test func aPlainConnectionHarmsNobody() throws {
            try scene { scene in
                let run = try HandRun(scene, endless(frames: 1_000_000_000))
                let (coordinator, learner, actor) = (try run.start(.coordinator), try run.start(.learner), try run.start(.actor))
                try run.directory.expectProgress()
                for address in [run.address, try streamAddress(learner).description] {
                    try Loopback.send("GET / HTTP/1.1\r\n\r\n", to: address)
                    try Loopback.send(String(repeating: "\u{FF}", count: 100_000), to: address)
                }
                try run.directory.expectProgress(50_000)
                #expect(try run.status().members.count == 2)
                try run.stop(coordinator, [learner, actor])
                try run.directory.expectSound()
            }
        }

        private func streamAddress(_ learner: Launched) throws -> Endpoint {
            let mark = "listening for rollouts on "
            let line = try #require(learner.errors.split(separator: "\n").first { $0.contains(mark) })
            let words = line.split(separator: " ")
            let index = try #require(words.firstIndex { $0.hasPrefix("tcp://") })
            return try Endpoint(words[index].trimmingSuffix(","))
        }
    }
}

extension Substring {
    fileprivate func trimmingSuffix(_ suffix: String) -> String { hasSuffix(suffix) ? String(dropLast(suffix.count)) : String(self) }
}

/// A bare ZeroMQ connection.
private struct Stranger {
    let socket: Socket

    init(_ endpoint: Endpoint) throws {
        socket = Socket(.dealer, in: SocketContext(), linger: 0)
        try socket.connect(endpoint)
    }

    /// Says one thing after the other and waits for the answer to each.
    func say(_ messages: [[OutgoingFrame]]) throws -> [SharedBytes] {
        try messages.enumerated().map { index, message in
            try eventually("message \(index) can be sent", within: 10) { socket.send(message) }
            var answer: [SharedBytes]?
            try eventually("message \(index) is answered", within: 10) {
                answer = socket.receive()
                return answer != nil
            }
            return answer![0]
        }
    }
}
