import Environments
import Networks
import Platform
import TestSupport
import Testing
import Wire

/// Members against coordinators that die and come back, over connections that break: places never repeat, every record is kept exactly
/// once and in order, whatever the learners' clocks say, and after the faults everybody is known again and has the learner's address.
@Suite struct MembershipPropertyTests {
    @Test(arguments: 0..<4) func survivesFaults(lane: UInt64) {
        for seed in 0..<400 as Range<UInt64> {
            var simulation = ControlSimulation(seed: lane << 32 | seed)
            simulation.run()
            guard simulation.violations.isEmpty else {
                Issue.record("lane \(lane), seed \(seed): \(simulation.violations.prefix(3).joined(separator: "; "))")
                return
            }
        }
    }
}

private struct ControlSimulation {
    private struct Process {
        var role: Role
        var token: UInt64
        var client: MembershipClient
        var peer: Membership.Peer
        var isConnected = true
        var toCoordinator: [ControlMessage] = []
        var toMember: [ControlMessage] = []
        var located: LearnerLocation?
        /// What its clock is wrong by, in seconds.
        var skew: Double
    }

    private var dice: Dice
    private var now = Time.seconds(10)
    private var nextPeer: UInt32 = 0
    private var nextToken: UInt64 = 1
    private var coordinator: Membership?
    private var ledgerOnDisk = Membership.Ledger()
    private var recordsOnDisk: [Record] = []
    private var processes: [Process] = []
    private var made: [Record] = []
    private var recordSequence: UInt64 = 0
    private var places: [MemberPlace: UInt64] = [:]
    private(set) var violations: [String] = []

    init(seed: UInt64) { dice = Dice(seed) }

    mutating func run() {
        processes = [start(.learner), start(.actor), start(.actor)]
        restartCoordinator()
        for _ in 0..<300 where violations.isEmpty { chaos() }
        if coordinator == nil { restartCoordinator() }
        for index in processes.indices where !processes[index].isConnected { reconnect(index) }
        for _ in 0..<400 where violations.isEmpty { calm() }
        guard violations.isEmpty else { return }
        // A learner that was killed takes with it what it had not yet handed over; what it had, is there once.
        let surviving = made.filter { record in
            recordsOnDisk.contains { $0.time == record.time } || record.sequence > 0 && lives.contains(record.version)
        }
        if recordsOnDisk.map(\.time) != surviving.map(\.time) {
            violations.append("\(surviving.count) records made, \(recordsOnDisk.count) kept")
        }
        if zip(recordsOnDisk, recordsOnDisk.dropFirst()).contains(where: { $0.sequence >= $1.sequence }) {
            violations.append("records out of order")
        }
        let life = processes.first { $0.role == .learner }!.client.place!.incarnation
        for process in processes {
            if !process.client.isRegistered { violations.append("\(process.role) \(process.token) is not registered") }
            if process.client.waitingRecords > 0 { violations.append("\(process.client.waitingRecords) records wait") }
            if process.role == .actor, process.located?.life != life {
                violations.append("actor \(process.token) knows life \(process.located?.life ?? 0), not \(life)")
            }
        }
    }

    /// Lives of learners that are still running.
    private var lives: Set<UInt64> { Set(processes.filter { $0.role == .learner }.map(\.token)) }

    private mutating func chaos() {
        let index = dice.below(processes.count)
        switch dice.below(100) {
        case 0..<25: deliverToCoordinator(index)
        case 25..<50: deliverToMember(index)
        case 50..<75: pass(Double.random(in: 0...0.3, using: &dice))
        case 75..<83: record()
        case 83..<86: breakConnection(index)
        case 86..<93: if !processes[index].isConnected { reconnect(index) }
        case 93, 94: killCoordinator()
        case 95..<98: if coordinator == nil { restartCoordinator() }
        case 98: if dice.chance(0.3) { replace(index) }
        default: pass(4)
        }
    }

    private mutating func calm() {
        for index in processes.indices {
            while !processes[index].toCoordinator.isEmpty { deliverToCoordinator(index) }
            while !processes[index].toMember.isEmpty { deliverToMember(index) }
        }
        pass(0.05)
    }

    private mutating func start(_ role: Role) -> Process {
        defer { nextToken += 1 }
        return Process(
            role: role, token: nextToken,
            client: MembershipClient(hello: Hello(role: role, token: nextToken, host: "h", pid: UInt32(nextToken))), peer: newPeer(),
            skew: Double(dice.below(200)) - 100)
    }

    private mutating func newPeer() -> Membership.Peer {
        nextPeer += 1
        return withUnsafeBytes(of: nextPeer) { Array($0) }
    }

    private mutating func breakConnection(_ index: Int) {
        processes[index].toCoordinator = []
        processes[index].toMember = []
        processes[index].isConnected = false
    }

    private mutating func reconnect(_ index: Int) {
        guard coordinator != nil else { return }
        processes[index].isConnected = true
        processes[index].peer = newPeer()
    }

    private mutating func killCoordinator() {
        coordinator = nil
        for index in processes.indices { breakConnection(index) }
    }

    private mutating func restartCoordinator() {
        coordinator = Membership(
            Membership.Settings(
                run: 7, runName: "r", runFile: "", runDirectory: "",
                assignment: ActorAssignment(
                    environment: EnvironmentSettings("E"), slots: 1, unroll: 1, seed: 1, network: NetworkSettings(hidden: []))),
            ledger: ledgerOnDisk, written: Set(recordsOnDisk.map(\.time)), now: now)
        for index in processes.indices { reconnect(index) }
    }

    private mutating func replace(_ index: Int) {
        let old = processes[index]
        breakConnection(index)
        processes[index] = start(old.role)
        if coordinator == nil { processes[index].isConnected = false } else { perform(coordinator!.processGone(old.token, now: now)) }
    }

    private mutating func record() {
        let index = processes.firstIndex { $0.role == .learner }!
        recordSequence += 1
        // The version names the process that made it.
        let record = Record(
            sequence: recordSequence, time: now - .zero + processes[index].skew + Double(recordSequence) * 1e-6, version: processes[index].token, frames: 0,
            scalars: [])
        made.append(record)
        perform(processes[index].client.record(record), index)
    }

    private mutating func pass(_ seconds: Double) {
        now = now + seconds
        if coordinator != nil { perform(coordinator!.tick(now: now)) }
        for index in processes.indices { perform(processes[index].client.tick(now: now) { Heartbeat(token: 0) }, index) }
    }

    private mutating func deliverToCoordinator(_ index: Int) {
        guard coordinator != nil, !processes[index].toCoordinator.isEmpty else { return }
        perform(coordinator!.received(processes[index].toCoordinator.removeFirst(), from: processes[index].peer, now: now))
    }

    private mutating func deliverToMember(_ index: Int) {
        guard !processes[index].toMember.isEmpty else { return }
        let message = processes[index].toMember.removeFirst()
        perform(processes[index].client.received(message, now: now), index)
    }

    private mutating func perform(_ actions: [Membership.Action]) {
        for action in actions {
            switch action {
            case .send(let peer, let message):
                if let index = processes.firstIndex(where: { $0.peer == peer && $0.isConnected }) {
                    processes[index].toMember.append(message)
                }
            case .persist(let ledger): ledgerOnDisk = ledger
            case .append(let record): recordsOnDisk.append(record)
            case .log, .adjust: break
            case .end(let outcome): violations.append("ended: \(outcome.reason)")
            }
        }
    }

    private mutating func perform(_ actions: [MembershipClient.Action], _ index: Int) {
        for action in actions {
            switch action {
            case .send(let message): if processes[index].isConnected { processes[index].toCoordinator.append(message) }
            case .joined(let welcome):
                let place = MemberPlace(
                    rank: welcome.place.rank + (processes[index].role == .learner ? 1000 : 0), incarnation: welcome.place.incarnation)
                if let other = places.updateValue(processes[index].token, forKey: place) {
                    violations.append("\(place) was given to \(other) before")
                }
                if processes[index].role == .learner {
                    perform(
                        processes[index].client.announce(LearnerLocation(rollouts: "r", weights: "w", life: welcome.place.incarnation)),
                        index)
                }
            case .located(let location): processes[index].located = location
            case .departed, .adjust, .allowed: break
            case .stop(let reason): violations.append("stopped: \(reason)")
            case .refused(let refusal):
                // A new learner waits until the coordinator has noticed that the one before is gone.
                if refusal.code != .occupied || processes[index].client.place != nil {
                    violations.append("\(processes[index].role) \(processes[index].token): \(refusal)")
                }
            }
        }
    }
}
