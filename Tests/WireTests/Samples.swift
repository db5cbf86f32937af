import Environments
import Networks
import Rollouts
import Testing
import Wire

/// Messages of every case: the plain, the empty and the extreme. Every one of them is equal to what its bytes decode to.
enum Samples {
    private static let texts = ["", "a", "größer 雀 \u{1F426}\u{200D}", String(repeating: "x", count: 256)]
    private static let numbers = [0, 1.5, -0.0, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude]
    private static let gauges = texts.flatMap { text in numbers.map { Gauge(text, $0) } }
    private static let waits =
        texts.map { Wait(resource: $0, holder: $0, seconds: 1e300) } + [
            Wait(resource: "disk", holder: "disk", seconds: 0, thread: "checkpoints", deadline: 1e300, detail: texts[2])
        ]
    private static let streams = [
        StreamProgress(actor: MemberPlace(rank: .max, incarnation: .max), received: .max, acknowledged: .max, tickets: .max, silentSeconds: 1e300),
        StreamProgress(actor: MemberPlace(rank: 0, incarnation: 0), received: 1, acknowledged: 0, tickets: 0, silentSeconds: 0),
    ]
    private static let events = (UInt32(1)...5).map { (number: UInt32) -> MembershipEvent in
        let kind = MembershipEvent.Kind(rawValue: number)!
        let subject = MembershipEvent.Subject(
            role: kind == .left ? .learner : .actor, place: MemberPlace(rank: .max, incarnation: 1), host: texts[2], pid: .max)
        return MembershipEvent(
            kind, secondsAgo: 1.5, text: texts[Int(number) % texts.count], count: number, subject: kind == .refused ? nil : subject)
    }
    private static let locations = [
        LearnerLocation(rollouts: "tcp://host:1", weights: "ipc:///tmp/w", life: 1),
        LearnerLocation(rollouts: "r", weights: "w", life: .max),
    ]
    private static let members = (0..<50).map { (index: Int) -> MemberStatus in
        var member = MemberStatus(
            role: index % 2 == 0 ? .actor : .learner, place: MemberPlace(rank: .max - UInt32(index), incarnation: UInt32(index)),
            host: texts[index % texts.count], pid: UInt32(index), silentSeconds: Double(index), gauges: Array(gauges.prefix(index % 5)),
            waits: Array(waits.prefix(index % 6)))
        member.streams = Array(streams.prefix(index % 3))
        member.ageSeconds = Double(index)
        member.clockAhead = index % 4 == 0 ? nil : -Double(index)
        return member
    }

    static let control: [ControlMessage] = {
        var otherVersion = Hello(role: .actor, token: 1, host: "h", pid: 1)
        otherVersion.protocol = .max
        var network = NetworkSettings(hidden: [1, 65536], activation: .relu)
        network.memory = .lstm
        (network.encoder, network.memoryWidth, network.continuousPolicy) = (.minatar, 65536, .tanhGaussian)
        (network.layerNorm, network.normalizeObservations, network.initialLogDeviation) = (true, true, -0.5)
        let assignment = ActorAssignment(
            environment: EnvironmentSettings("CartPole-v1", options: ["gravity": 9.8], maxEpisodeSteps: 500), slots: 65536, unroll: 65536,
            seed: .max, network: network,
            exploration: .epsilonGreedy(EpsilonLadder(base: 0.3, exponent: 6.5, decayVersions: .max, slots: Int(UInt32.max))),
            keepsPolicy: true)
        let bare = ActorAssignment(
            environment: EnvironmentSettings(""), slots: 1, unroll: 1, seed: 0, network: NetworkSettings(hidden: []))
        let records = [
            Record(sequence: 0, time: 0, version: 0, frames: 0, scalars: []),
            Record(
                sequence: .max, time: 1.7e9, version: .max, frames: .max, scalars: gauges,
                outcome: Outcome(solved: true, reason: "solved")),
            Record(sequence: 1, time: -1, version: 1, frames: 1, scalars: [], outcome: Outcome(solved: false, reason: "")),
        ]
        var messages: [ControlMessage] = [
            .hello(Hello(role: .actor, token: .max, host: "", pid: .max)), .hello(otherVersion),
            .hello(
                Hello(
                    role: .learner, token: 1, host: texts[2], pid: 0, returning: MemberPlace(rank: .max, incarnation: .max),
                    learner: locations[0])),
            .hello(Hello(role: .actor, token: 1, host: texts[3], pid: 0, returning: MemberPlace(rank: 0, incarnation: 0))),
            .welcome(
                Welcome(
                    run: .max, runName: "cartpole-1", place: MemberPlace(rank: .max, incarnation: .max), heartbeatSeconds: 3600,
                    runFile: String(repeating: "line: 雀\n", count: 20000), actor: assignment)),
            .welcome(
                Welcome(
                    run: 0, runName: "n", place: MemberPlace(rank: 0, incarnation: 0), heartbeatSeconds: .leastNonzeroMagnitude,
                    runFile: "",
                    actor: bare)),
            .welcome(
                Welcome(run: 1, runName: "n", place: MemberPlace(rank: 0, incarnation: 1), heartbeatSeconds: 1, runFile: "", actor: nil)),
            .heartbeat(Heartbeat(token: 0)), .heartbeat(Heartbeat(token: .max, gauges: gauges, waits: waits, wallTime: 1.7e9, streams: streams)),
            .heartbeat(Heartbeat(token: 5, waits: Array(waits.suffix(2)), wallTime: 1.7e9, streams: streams)), .heartbeatReply(run: .max),
            .recordKept(through: .max), .departed(rank: .max, incarnation: 0, cause: texts[2], ended: true), .goodbye(token: .max, reason: texts[1]),
            .statusRequest(protocol: .max), .adjust(protocol: 0, maxLag: 0), .adjust(maxLag: 1 << 53),
            .status(
                Status(
                    run: .max, runName: texts[2], runDirectory: texts[3], ageSeconds: .infinity, members: members, lastRecord: records[1],
                    refused: .max, gauges: Array(gauges.prefix(3)), events: events)),
            .status(
                Status(
                    run: 1, runName: "n", runDirectory: "runs/n", ageSeconds: 1, members: Array(members.prefix(6)), lastRecord: records[2],
                    refused: 1, events: events)),
            .status(Status(run: 0, runName: "", runDirectory: "", ageSeconds: 0, members: [], lastRecord: nil, refused: 0)),
        ]
        messages += records.map { .record($0) } + locations.map { .learnerLocation($0) } + texts.map { .stop(reason: $0) }
        return messages + refusals.map { .refusal($0) }
    }()

    private static let refusals: [Refusal] = (UInt32(1)...6).map { code in
        var refusal = Refusal(RefusalCode(rawValue: code)!, problem: texts[Int(code) % 4], remedy: texts[Int(code + 1) % 4])
        refusal.protocol = code
        return refusal
    }

    static let stream: [StreamMessage] = {
        var otherVersion = Attach(
            run: 0, actor: MemberPlace(rank: 0, incarnation: 0), firstUnacknowledged: 1, nextSequence: 1, producing: false)
        otherVersion.protocol = 0
        let last = WireProtocol.maximumSequence
        let messages: [StreamMessage] = [
            .attach(otherVersion),
            .attach(
                Attach(
                    run: .max, actor: MemberPlace(rank: .max, incarnation: .max),
                    firstUnacknowledged: last - UInt64(WireProtocol.maximumCredits),
                    nextSequence: last, producing: true)),
            .grant(Grant(life: 0, acknowledgedThrough: 0, tickets: [], version: 0)),
            .grant(Grant(life: .max, acknowledgedThrough: .max, tickets: [0, .max], kind: .opens, version: .max, begun: .max)),
            .grant(
                Grant(
                    life: 1, acknowledgedThrough: 1, tickets: [UInt64](repeating: 1 << 40, count: WireProtocol.maximumCredits),
                    kind: .revises,
                    version: 1)),
            .ping(produced: 0), .ping(produced: .max), .detach(produced: .max, reason: texts[2]), .detach(produced: 0, reason: ""),
            .stop(reason: texts[3]),
        ]
        return messages + headers.map { .rollout($0) } + refusals.map { .refusal($0) }
    }()

    static let headers: [RolloutHeader] = {
        var plain = RolloutHeader(rollout(RolloutID(actor: 1, incarnation: 2, sequence: 3), version: 4))
        var extreme = plain
        extreme.id = RolloutID(actor: .max, incarnation: .max, sequence: .max)
        extreme.version = .max
        (extreme.steps, extreme.slots, extreme.ended) = (65536, 2, 131072)
        (extreme.observationType, extreme.observationShape) = (.uint8, [2, 3, 2, 1, 1, 1, 1, 1])
        (extreme.actionType, extreme.actionShape, extreme.stateCount) = (.float32, [7], 1 << 26)
        extreme.policyCount = 1 << 10
        (plain.ended, plain.stateCount, plain.policyCount) = (0, 0, 0)
        return [plain, extreme, RolloutHeader(rollout(RolloutID(actor: 0, incarnation: 0, sequence: 1), steps: 1, slots: 1))]
    }()

    static let weights: [WeightsHeader] = {
        var otherVersion = WeightsHeader(run: 1, life: 2, version: 3, parameters: 4, layout: 5)
        otherVersion.protocol = 9
        return [
            otherVersion, WeightsHeader(run: 0, life: 0, version: 0, parameters: 0, layout: 0),
            WeightsHeader(run: .max, life: .max, version: .max, parameters: Int(WireProtocol.maximumFrameBytes / 4), layout: .max),
        ]
    }()
}

// The extreme messages would fill screens of the test runner's output.
extension ControlMessage: CustomTestStringConvertible {
    public var testDescription: String { String("\(self)".prefix(40)) }
}

extension StreamMessage: CustomTestStringConvertible {
    public var testDescription: String { String("\(self)".prefix(40)) }
}
