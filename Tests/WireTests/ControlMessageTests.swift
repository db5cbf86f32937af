import Environments
import Networks
import Platform
import Testing
import Wire

@Suite struct ControlMessageTests {
    private func decoded(_ bytes: [UInt8]) throws(WireError) -> ControlMessage { try ControlMessage(decoding: shared(bytes)) }

    @Test(arguments: Samples.control) func roundTrip(_ message: ControlMessage) throws {
        #expect(try decoded(message.encoded()) == message)
    }

    /// Every setting arrives, each value of each choice too: what is forgotten on one side would make another network than the learner's.
    @Test func everySettingOfANetworkArrives() throws {
        func arrives(_ edit: (inout NetworkSettings) -> Void) throws {
            var network = NetworkSettings()
            edit(&network)
            let assignment = ActorAssignment(environment: EnvironmentSettings("E"), slots: 1, unroll: 1, seed: 1, network: network)
            let message = ControlMessage.welcome(
                Welcome(
                    run: 1, runName: "n", place: MemberPlace(rank: 0, incarnation: 0), heartbeatSeconds: 1, runFile: "", actor: assignment))
            #expect(try decoded(message.encoded()) == message)
            if network == NetworkSettings() { return }
            let plain = ActorAssignment(environment: EnvironmentSettings("E"), slots: 1, unroll: 1, seed: 1, network: NetworkSettings())
            #expect(assignment != plain)
        }
        for kind in EncoderKind.allCases { try arrives { $0.encoder = kind } }
        for kind in Activation.allCases { try arrives { $0.activation = kind } }
        for kind in MemoryKind.allCases { try arrives { $0.memory = kind } }
        for kind in ContinuousPolicy.allCases { try arrives { $0.continuousPolicy = kind } }
        try arrives { $0.hidden = [1, 65536] }
        try arrives { $0.layerNorm = true }
        try arrives { $0.memoryWidth = 65536 }
        try arrives { $0.separateValue = true }
        try arrives { $0.normalizeObservations = true }
        try arrives { $0.initialLogDeviation = -20 }
    }

    @Test func aNumberThatIsNoneStaysOne() throws {
        guard
            case .heartbeat(let heartbeat) = try decoded(
                ControlMessage.heartbeat(Heartbeat(token: 1, gauges: [Gauge("loss", .nan)])).encoded())
        else { return #expect(Bool(false)) }
        #expect(heartbeat.gauges.count == 1 && heartbeat.gauges[0].value.isNaN)
    }

    @Test func textsEndAtNULAndAtTheirLimit() throws {
        #expect(try decoded(ControlMessage.stop(reason: "ab\0cd").encoded()) == .stop(reason: "ab"))
        #expect(
            try decoded(ControlMessage.stop(reason: String(repeating: "x", count: 5000)).encoded())
                == .stop(reason: String(repeating: "x", count: 4096)))
        // Bytes that are no UTF-8 are replaced.
        guard case .stop(let reason) = try decoded(Protobuf.bytes(10, Protobuf.bytes(1, [0x61, 0xFF, 0x62]))) else {
            return #expect(Bool(false))
        }
        #expect(reason == "a\u{FFFD}b")
    }

    /// The numbers of the fields are the contract: other languages write these bytes.
    @Test func bytesOfTheContract() throws {
        typealias P = Protobuf
        let location = P.text(1, "tcp://a:1") + P.text(2, "tcp://a:2") + P.number(3, 5)
        let hello =
            P.number(1, 8) + P.number(2, 2) + P.fixed64(3, 77) + P.text(4, "host") + P.number(5, 42) + P.number(6, 1) + P.number(7, 3)
            + P.number(8, 4) + P.bytes(9, location)
        #expect(
            try decoded(P.bytes(1, hello))
                == .hello(
                    Hello(
                        role: .learner, token: 77, host: "host", pid: 42, returning: MemberPlace(rank: 3, incarnation: 4),
                        learner: LearnerLocation(rollouts: "tcp://a:1", weights: "tcp://a:2", life: 5))))

        let environment =
            P.text(1, "E") + P.bytes(2, P.text(1, "a") + P.double(2, 1.5)) + P.bytes(2, P.text(1, "b")) + P.number(3, 7)
        let network =
            P.text(1, "impala") + P.packed(2, [64, 32]) + P.text(3, "relu") + P.number(4, 1) + P.text(5, "gru") + P.number(6, 128)
            + P.number(7, 1) + P.number(8, 1) + P.text(9, "tanh_gaussian") + P.float(10, -0.5)
        let assignment = P.bytes(1, environment) + P.number(2, 16) + P.number(3, 20) + P.fixed64(4, 9) + P.bytes(5, network)
            + P.bytes(6, P.float(1, 0.25) + P.float(2, 6) + P.number(3, 100) + P.number(4, 32)) + P.number(7, 1)
        var settings = NetworkSettings(hidden: [64, 32], activation: .relu)
        (settings.encoder, settings.memory, settings.memoryWidth) = (.impala, .gru, 128)
        (settings.layerNorm, settings.separateValue, settings.normalizeObservations) = (true, true, true)
        (settings.continuousPolicy, settings.initialLogDeviation) = (.tanhGaussian, -0.5)
        let welcome =
            P.fixed64(1, 8) + P.text(2, "n") + P.number(3, 1) + P.number(4, 2) + P.double(5, 0.5) + P.text(6, "y: 1")
            + P.bytes(7, assignment)
        #expect(
            try decoded(P.bytes(2, welcome))
                == .welcome(
                    Welcome(
                        run: 8, runName: "n", place: MemberPlace(rank: 1, incarnation: 2), heartbeatSeconds: 0.5, runFile: "y: 1",
                        actor: ActorAssignment(
                            environment: EnvironmentSettings("E", options: ["a": 1.5, "b": 0], maxEpisodeSteps: 7), slots: 16, unroll: 20,
                            seed: 9, network: settings,
                            exploration: .epsilonGreedy(EpsilonLadder(base: 0.25, exponent: 6, decayVersions: 100, slots: 32)), keepsPolicy: true))))

        let gauge = P.text(1, "g") + P.double(2, 1.5)
        let outcome = P.number(1, 1) + P.text(2, "solved")
        let record = P.number(1, 1) + P.double(2, 2) + P.number(3, 3) + P.number(4, 4) + P.bytes(5, gauge) + P.bytes(6, outcome)
        let expected = Record(
            sequence: 1, time: 2, version: 3, frames: 4, scalars: [Gauge("g", 1.5)], outcome: Outcome(solved: true, reason: "solved"))
        #expect(try decoded(P.bytes(7, record)) == .record(expected))

        let wait = P.text(1, "credit") + P.text(2, "learner") + P.double(3, 0.25)
        #expect(
            try decoded(P.bytes(4, P.fixed64(1, 6) + P.bytes(2, gauge) + P.bytes(3, wait)))
                == .heartbeat(
                    Heartbeat(token: 6, gauges: [Gauge("g", 1.5)], waits: [Wait(resource: "credit", holder: "learner", seconds: 0.25)])))
        let longWait = wait + P.text(4, "sockets") + P.double(5, 10) + P.text(6, "d")
        let stream = P.number(1, 2) + P.number(2, 3) + P.number(3, 9) + P.number(4, 8) + P.number(5, 1) + P.double(6, 0.5)
        let place = MemberPlace(rank: 2, incarnation: 3)
        let progress = StreamProgress(actor: place, received: 9, acknowledged: 8, tickets: 1, silentSeconds: 0.5)
        let waiting = Wait(resource: "credit", holder: "learner", seconds: 0.25, thread: "sockets", deadline: 10, detail: "d")
        #expect(
            try decoded(P.bytes(4, P.fixed64(1, 6) + P.bytes(3, longWait) + P.double(4, 1.7e9) + P.bytes(5, stream)))
                == .heartbeat(Heartbeat(token: 6, waits: [waiting], wallTime: 1.7e9, streams: [progress])))
        let member =
            P.number(1, 2) + P.number(2, 2) + P.number(3, 3) + P.text(4, "h") + P.number(5, 12) + P.double(6, 0.5) + P.bytes(7, gauge)
            + P.bytes(8, longWait) + P.bytes(9, stream) + P.double(10, 7) + P.bytes(11, P.double(1, -1.5))
        let event =
            P.number(1, 4) + P.double(2, 3) + P.text(3, "t") + P.number(4, 2) + P.number(5, 1) + P.number(6, 2) + P.number(7, 3) + P.text(8, "h")
            + P.number(9, 12)
        #expect(
            try decoded(P.bytes(13, P.fixed64(1, 7) + P.text(2, "n") + P.bytes(5, member) + P.number(7, 3) + P.bytes(9, event)))
                == .status(
                    Status(
                        run: 7, runName: "n", runDirectory: "", ageSeconds: 0,
                        members: [
                            MemberStatus(
                                role: .learner, place: place, host: "h", pid: 12, silentSeconds: 0.5, gauges: [Gauge("g", 1.5)], waits: [waiting],
                                streams: [progress], ageSeconds: 7, clockAhead: -1.5)
                        ], lastRecord: nil, refused: 3,
                        events: [
                            MembershipEvent(
                                .lost, secondsAgo: 3, text: "t", count: 2, subject: .init(role: .actor, place: place, host: "h", pid: 12))
                        ])))
        let refusal = Refusal(.occupied, problem: "p", remedy: "r")
        #expect(try decoded(P.bytes(3, P.number(1, 3) + P.text(2, "p") + P.text(3, "r") + P.number(4, 8))) == .refusal(refusal))
        #expect(try decoded(P.bytes(5, P.fixed64(1, 9))) == .heartbeatReply(run: 9))
        #expect(try decoded(P.bytes(8, P.number(1, 12))) == .recordKept(through: 12))
        #expect(
            try decoded(P.bytes(9, P.number(1, 1) + P.number(2, 2) + P.text(3, "c") + P.number(4, 1)))
                == .departed(rank: 1, incarnation: 2, cause: "c", ended: true))
        #expect(try decoded(P.bytes(11, P.fixed64(1, 3) + P.text(2, "bye"))) == .goodbye(token: 3, reason: "bye"))
        #expect(try decoded(P.bytes(12, P.number(1, 1))) == .statusRequest(protocol: 1))
        // Fields of a later version are passed over.
        #expect(try decoded(P.bytes(12, P.number(1, 1) + P.text(99, "new"))) == .statusRequest(protocol: 1))
    }

    /// The fields of a network's settings, some of them changed.
    private func networkFields(_ changes: [Int: [UInt8]] = [:]) -> [UInt8] {
        typealias P = Protobuf
        let fields: [(Int, [UInt8])] = [
            (1, P.text(1, "auto")), (2, P.packed(2, [8])), (3, P.text(3, "tanh")), (5, P.text(5, "none")), (6, P.number(6, 1)),
            (9, P.text(9, "gaussian")), (10, P.float(10, 0)),
        ]
        return fields.flatMap { changes[$0.0] ?? $0.1 }
    }

    @Test func refusesWhatBreaksTheContract() {
        typealias P = Protobuf
        func field(_ bytes: [UInt8]) -> String {
            do {
                _ = try decoded(bytes)
                return "accepted"
            } catch .invalid(let field, _, _) { return field } catch .missing(let field) { return field } catch { return "\(error)" }
        }
        let welcome = P.text(2, "n") + P.double(5, 1)
        let (slots, unroll) = (P.number(2, 1), P.number(3, 1))
        #expect(field([]) == "Control.body")
        #expect(field(P.bytes(99, [])) == "Control.body")
        #expect(field([0xFF, 0xFF]) == "2 bytes are not a Control message of apus.proto")
        #expect(field([UInt8](repeating: 0, count: WireProtocol.maximumMessageBytes + 1)).contains("exceeds the limit"))
        #expect(field(P.bytes(1, P.number(1, 8) + P.number(2, 7))) == "Hello.role")
        #expect(field(P.bytes(1, P.number(1, 9) + P.number(2, 7))) == "accepted")
        #expect(field(P.bytes(1, P.number(1, 8) + P.number(2, 2) + P.bytes(9, P.text(1, "x")))).hasPrefix("LearnerLocation"))
        #expect(field(P.bytes(2, welcome)) == "accepted")
        for seconds in [0, -1, .nan, .infinity, 3601] {
            #expect(field(P.bytes(2, P.text(2, "n") + P.double(5, seconds))) == "Welcome.heartbeat_seconds")
        }
        for name in ["", ".", "..", "a/b", "/"] { #expect(field(P.bytes(2, P.text(2, name) + P.double(5, 1))) == "Welcome.run_name") }
        let environment = P.bytes(1, P.text(1, "E"))
        func assigned(_ fields: [UInt8]...) -> String { field(P.bytes(2, welcome + P.bytes(7, fields.flatMap { $0 }))) }
        let network = P.bytes(5, networkFields())
        #expect(assigned(environment, slots, unroll, network) == "accepted")
        #expect(assigned(slots, unroll, network) == "ActorAssignment.environment")
        #expect(assigned(environment, slots, unroll) == "ActorAssignment.network")
        #expect(assigned(environment, unroll, network) == "ActorAssignment.slots")
        #expect(assigned(environment, P.number(2, 65537), unroll, network) == "ActorAssignment.slots")
        #expect(assigned(environment, slots, network) == "ActorAssignment.unroll")
        #expect(assigned(environment, slots, P.number(3, 65537), network) == "ActorAssignment.unroll")
        func explored(_ fields: [UInt8]...) -> String { assigned(environment, slots, unroll, network, P.bytes(6, fields.flatMap { $0 })) }
        let (base, exponent, places) = (P.float(1, 0.4), P.float(2, 7), P.number(4, 1))
        #expect(explored(base, exponent, P.number(3, .max), places) == "accepted")
        #expect(explored(base, exponent) == "EpsilonLadder.slots")
        for value in [-0.1, 1.5, Float.nan] { #expect(explored(P.float(1, value), exponent, places) == "EpsilonLadder.epsilon") }
        for value in [-0.1, Float.infinity, .nan] { #expect(explored(base, P.float(2, value), places) == "EpsilonLadder.exponent") }
        for (number, bytes, name) in [
            (1, P.text(1, "resnet"), "encoder"), (2, P.packed(2, [0]), "hidden"), (2, P.packed(2, [65537]), "hidden"),
            (3, P.text(3, "ReLU"), "activation"), (5, P.text(5, "rnn"), "memory"), (6, P.number(6, 0), "memory_width"),
            (9, P.text(9, ""), "continuous_policy"), (10, P.float(10, .nan), "initial_log_deviation"),
            (10, P.float(10, 20.5), "initial_log_deviation"), (10, P.float(10, -.infinity), "initial_log_deviation"),
        ] {
            #expect(assigned(environment, slots, unroll, P.bytes(5, networkFields([number: bytes]))) == "NetworkSettings.\(name)")
        }
        for code in [0, 9] { #expect(field(P.bytes(3, P.number(1, UInt64(code)))) == "Refusal.code") }
        for time in [Double.nan, .infinity] { #expect(field(P.bytes(7, P.double(2, time))) == "Record.time") }
        #expect(field(P.bytes(13, P.bytes(5, P.number(1, 3)))) == "MemberStatus.role")
        for seconds in [-1, Double.nan, .infinity] {
            #expect(field(P.bytes(4, P.bytes(3, P.double(3, seconds)))) == "Wait.seconds")
            #expect(field(P.bytes(4, P.bytes(3, P.double(5, seconds)))) == "Wait.deadline_seconds")
            #expect(field(P.bytes(4, P.double(4, seconds))) == "Heartbeat.wall_time")
            #expect(field(P.bytes(4, P.bytes(5, P.double(6, seconds)))) == "StreamProgress.silent_seconds")
        }
        #expect(field(P.bytes(4, P.bytes(5, P.number(3, 1) + P.number(4, 2)))) == "StreamProgress.acknowledged")
        for kind in [0, 6] as [UInt64] { #expect(field(P.bytes(13, P.bytes(9, P.number(1, kind)))) == "Event.kind") }
        #expect(field(P.bytes(13, P.bytes(9, P.number(1, 1) + P.number(5, 3)))) == "Event.role")
    }
}
