import Platform
import Rollouts
import TestSupport
import Wire

/// Actors and a learner with a transport between them, all as values under a manual clock: one die decides who does what next and what
/// breaks.
///
/// The transport keeps the order of each connection and loses what is under way when a connection breaks; of a broken connection the
/// learner may still
/// read, later, what had reached it. The learner sweeps and trains as `LearnerLoop` does, on a model of the ledger that rewinds with its
/// lives.
struct StreamSimulation {
    struct Settings: CustomStringConvertible {
        var seed: UInt64
        var actors = 1
        var credits = 2
        var rolloutsPerUpdate = 1
        var maxLag = 0
        /// Whether only those get weights for whom they are meant, as with many actors.
        var addressed: Bool { seed % 2 == 1 }
        /// Whether anything breaks in the first part.
        var faults = true
        var description: String {
            "seed \(seed), \(actors) actors × \(credits) credits, \(rolloutsPerUpdate) per update, lag ≤ \(maxLag), faults \(faults)"
        }
    }

    private enum Packet {
        case message(StreamMessage)
        case rollout(Rollout)
    }

    private struct Actor {
        var place: MemberPlace
        var outbox: RolloutOutbox
        var peer: [UInt8]
        var isConnected = true
        var toLearner: [Packet] = []
        var toActor: [StreamMessage] = []
        var held: (life: UInt32, version: UInt64)?
        /// The version that acts in the rollout being made.
        var making: UInt64?
        var made: UInt64 = 0
    }

    private enum End: Equatable {
        case trained(UInt64)
        case stale, failed, lost
    }

    let settings: Settings
    private var dice: Dice
    private var now = Time.seconds(100)
    private var peers: UInt32 = 0
    private var actors: [Actor] = []
    private var incarnations: [UInt32]
    /// What had reached the learner from connections that are no more.
    private var remains: [(peer: [UInt8], packets: [Packet])] = []
    private var departures: [MemberPlace] = []

    private var intake: RolloutIntake
    private var life: UInt32 = 1
    private(set) var version: UInt64 = 0
    private var checkpoint: UInt64 = 0
    private var queue: [Rollout] = []
    private var ready: [Rollout] = []
    private var endedOnDesk: [RolloutID] = []
    private var ledger: [RolloutID: End] = [:]
    private var rewound: Set<RolloutID> = []
    private var accepted: Set<RolloutID> = []
    private let template = rollout(RolloutID(actor: 0, incarnation: 0, sequence: 1), steps: 1, slots: 1)

    private(set) var violations: [String] = []
    private(set) var stale = 0
    private(set) var trained = 0

    init(_ settings: Settings) {
        self.settings = settings
        dice = Dice(settings.seed)
        incarnations = [UInt32](repeating: 0, count: settings.actors)
        intake = RolloutIntake(Self.intake(settings, life: 1), version: 0)
        for rank in 0..<settings.actors { actors.append(newActor(rank)) }
    }

    private static func intake(_ settings: Settings, life: UInt32) -> RolloutIntake.Settings {
        RolloutIntake.Settings(
            run: 7, life: life, credits: settings.credits, rolloutsPerUpdate: settings.rolloutsPerUpdate, maxLag: settings.maxLag)
    }

    private mutating func newPeer() -> [UInt8] {
        peers += 1
        return withUnsafeBytes(of: peers) { Array($0) }
    }

    private mutating func newActor(_ rank: Int) -> Actor {
        defer { incarnations[rank] += 1 }
        let place = MemberPlace(rank: UInt32(rank), incarnation: incarnations[rank])
        return Actor(place: place, outbox: RolloutOutbox(run: 7, place: place), peer: newPeer())
    }

    // MARK: The whole

    /// Chaos for `steps`, then calm: everything must come to its end, and training must go on.
    mutating func run(steps: Int) {
        for index in actors.indices { send(actors[index].outbox.connected(now: now), from: index) }
        for _ in 0..<steps where violations.isEmpty { chaos() }
        for index in actors.indices where !actors[index].isConnected { reconnect(index) }
        let owed = actors.flatMap { actor in
            (1..<actor.made + 1).map { RolloutID(actor: actor.place.rank, incarnation: actor.place.incarnation, sequence: $0) }
        }
        let before = version
        for _ in 0..<400 where violations.isEmpty { calm() }
        guard violations.isEmpty else { return }
        if version < before + 20 { violations.append("no progress: version \(before) → \(version) in 20 s without faults") }
        for id in owed where ledger[id] == nil && !rewound.contains(id) { violations.append("\(id) never came to its end") }
        if !settings.faults, settings.maxLag == 0, stale > 0 { violations.append("\(stale) stale rollouts without a fault at lag 0") }
    }

    private mutating func chaos() {
        let index = dice.below(actors.count)
        switch dice.below(settings.faults ? 100 : 93) {
        case 0..<20: deliverToLearner(index)
        case 20..<35: deliverToActor(index)
        case 35..<55: act(index)
        case 55..<60: if !settings.addressed { publish(to: index) }
        case 60..<72: learn()
        case 72..<80: serve()
        case 80..<90: pass(seconds: Double.random(in: 0...0.2, using: &dice))
        case 90..<92: deliverRemains()
        case 92: checkpoint = version
        case 93: breakConnection(index)
        case 94, 95: if !actors[index].isConnected { reconnect(index) }
        case 96: if dice.chance(0.3) { pass(seconds: 4) }
        case 97: if dice.chance(0.3) { replaceActor(index) }
        case 98: if dice.chance(0.3) { restartLearner() }
        default: reportDepartures(falsely: dice.chance(0.1) ? index : nil)
        }
    }

    private mutating func calm() {
        while !remains.isEmpty { deliverRemains() }
        reportDepartures(falsely: nil)
        for index in actors.indices {
            while !actors[index].toActor.isEmpty { deliverToActor(index) }
            if !settings.addressed || renews(index) { publish(to: index) }
            act(index)
            act(index)
            while !actors[index].toLearner.isEmpty { deliverToLearner(index) }
        }
        while !queue.isEmpty { learn() }
        serve()
        pass(seconds: 0.05)
    }

    // MARK: Transport

    private mutating func send(_ actions: [RolloutOutbox.Action], from index: Int) {
        for action in actions {
            guard actors[index].isConnected else {
                actors[index].outbox.notSent()
                continue
            }
            switch action {
            case .send(let message): actors[index].toLearner.append(.message(message))
            case .sendRollout(let rollout): actors[index].toLearner.append(.rollout(rollout))
            case .end(let reason, _): violations.append("actor \(actors[index].place) ended: \(reason)")
            }
        }
    }

    private mutating func deliverToLearner(_ index: Int) {
        guard !actors[index].toLearner.isEmpty else { return }
        take(actors[index].toLearner.removeFirst(), from: actors[index].peer)
    }

    private mutating func deliverRemains() {
        guard !remains.isEmpty else { return }
        let index = dice.below(remains.count)
        take(remains[index].packets.removeFirst(), from: remains[index].peer)
        if remains[index].packets.isEmpty { remains.remove(at: index) }
    }

    private mutating func deliverToActor(_ index: Int) {
        guard !actors[index].toActor.isEmpty else { return }
        let message = actors[index].toActor.removeFirst()
        if case .refusal(let refusal) = message, refusal.code != .unknownMember { violations.append("refused: \(refusal)") }
        send(actors[index].outbox.received(message, now: now), from: index)
    }

    private mutating func breakConnection(_ index: Int) {
        guard actors[index].isConnected else { return }
        if dice.chance(0.5), !actors[index].toLearner.isEmpty {
            remains.append((actors[index].peer, Array(actors[index].toLearner.prefix(1 + dice.below(actors[index].toLearner.count)))))
        }
        actors[index].toLearner = []
        actors[index].toActor = []
        actors[index].isConnected = false
    }

    /// As ZeroMQ does it: the actor is not told.
    private mutating func reconnect(_ index: Int) {
        actors[index].isConnected = true
        actors[index].peer = newPeer()
    }

    // MARK: Actors

    private mutating func act(_ index: Int) {
        if let version = actors[index].making {
            actors[index].making = nil
            actors[index].made += 1
            let place = actors[index].place
            let made = Rollout(
                template, id: RolloutID(actor: place.rank, incarnation: place.incarnation, sequence: actors[index].made), version: version)
            send(actors[index].outbox.produced(made), from: index)
        } else if let held = actors[index].held, actors[index].outbox.takeTicket(holding: held.version) {
            actors[index].making = held.version
        }
        // Of those that it holds, some may have ended before an older one, which is what acknowledgements tell of.
        let actor = actors[index]
        let ended = (actor.made + 1 - UInt64(actor.outbox.unacknowledgedCount)..<actor.made + 1).count {
            ledger[RolloutID(actor: actor.place.rank, incarnation: actor.place.incarnation, sequence: $0)] != nil
        }
        let holds = actor.outbox.unacknowledgedCount - ended + (actor.making == nil ? 0 : 1)
        // Alone, an actor makes a whole update.
        let limit = max(settings.credits, settings.rolloutsPerUpdate)
        if holds > limit { violations.append("actor \(actors[index].place) holds \(holds) rollouts of at most \(limit)") }
    }

    private mutating func publish(to index: Int) {
        guard actors[index].isConnected else { return }
        actors[index].held = (life, version)
    }

    /// Whether an actor asks for weights anew: what was meant for it came while it was not connected.
    private func renews(_ index: Int) -> Bool {
        guard settings.faults, let missing = actors[index].outbox.missingVersion else { return false }
        return actors[index].held.map { $0.version < missing } ?? true
    }

    private mutating func replaceActor(_ index: Int) {
        if actors[index].isConnected { breakConnection(index) }
        departures.append(actors[index].place)
        actors[index] = newActor(Int(actors[index].place.rank))
        send(actors[index].outbox.connected(now: now), from: index)
    }

    // MARK: Learner

    private mutating func take(_ packet: Packet, from peer: [UInt8]) {
        switch packet {
        case .message(let message): perform(intake.received(message, from: peer, now: now), nil)
        case .rollout(let rollout): perform(intake.received(.rollout(RolloutHeader(rollout)), from: peer, now: now), rollout)
        }
    }

    private mutating func perform(_ actions: [RolloutIntake.Action], _ rollout: Rollout?) {
        for action in actions {
            switch action {
            case .send(let peer, let message):
                if let index = actors.firstIndex(where: { $0.peer == peer && $0.isConnected }) { actors[index].toActor.append(message) }
            case .accept:
                let id = rollout!.id
                if !accepted.insert(id).inserted { violations.append("\(id) was accepted twice in life \(life)") }
                if settings.faults, ledger[id] == nil, dice.chance(0.02) {
                    end(id, .failed)
                    endedOnDesk.append(id)
                } else {
                    queue.append(rollout!)
                }
            case .missing: break
            case .weights(let place):
                guard settings.addressed, let index = actors.firstIndex(where: { $0.place == place }) else { continue }
                publish(to: index)
            case .lost(let place, let sequences):
                if actors.contains(where: { $0.place == place }) { violations.append("\(place) has lost \(sequences) and lives") }
                for sequence in sequences {
                    let id = RolloutID(actor: place.rank, incarnation: place.incarnation, sequence: sequence)
                    if ledger[id] == nil { end(id, .lost) }
                }
            }
        }
    }

    private mutating func end(_ id: RolloutID, _ how: End) {
        if let before = ledger[id] { violations.append("\(id) is \(how) after it was \(before)") }
        ledger[id] = how
        rewound.remove(id)
    }

    /// Sweeps one rollout, and updates when there are enough.
    private mutating func learn() {
        guard !queue.isEmpty else { return }
        let rollout = queue.removeFirst()
        if ledger[rollout.id] != nil {
            endedOnDesk.append(rollout.id)
        } else if rollout.version > version || version - rollout.version > UInt64(settings.maxLag) {
            stale += 1
            end(rollout.id, .stale)
            endedOnDesk.append(rollout.id)
        } else {
            ready.append(rollout)
        }
        guard ready.count == settings.rolloutsPerUpdate else { return }
        version += 1
        trained += ready.count
        for rollout in ready { end(rollout.id, .trained(version)) }
        endedOnDesk += ready.map(\.id)
        ready = []
    }

    /// The socket thread takes what the training thread has left on the desk.
    private mutating func serve() {
        guard !endedOnDesk.isEmpty || version != intake.version else { return }
        perform(intake.ended(endedOnDesk, version: version), nil)
        endedOnDesk = []
    }

    private mutating func restartLearner() {
        life += 1
        version = checkpoint
        for (id, end) in ledger {
            guard case .trained(let at) = end, at > checkpoint else { continue }
            ledger[id] = nil
            rewound.insert(id)
        }
        (queue, ready, endedOnDesk, accepted, remains) = ([], [], [], [], [])
        intake = RolloutIntake(Self.intake(settings, life: life), version: version)
        for index in actors.indices {
            actors[index].toLearner = []
            actors[index].toActor = []
            actors[index].isConnected = true
            actors[index].peer = newPeer()
            send(actors[index].outbox.connected(now: now), from: index)
        }
    }

    private mutating func reportDepartures(falsely index: Int?) {
        for place in departures { perform(intake.departed(place), nil) }
        departures = []
        if let index { intake.doubted(actors[index].place, now: now) }
    }

    private mutating func pass(seconds: Double) {
        now = now + seconds
        perform(intake.tick(now: now), nil)
        for index in actors.indices { send(actors[index].outbox.tick(now: now), from: index) }
    }
}

extension Rollout {
    /// The same columns under another number and version.
    fileprivate init(_ other: Rollout, id: RolloutID, version: UInt64) {
        self.init(
            id: id, version: version, steps: other.steps, slots: other.slots, observation: other.observation, action: other.action,
            behaviourLogProb: other.behaviourLogProb, reward: other.reward, terminated: other.terminated, truncated: other.truncated,
            finalIndex: other.finalIndex, finalObservation: other.finalObservation, episodeReturn: other.episodeReturn,
            episodeLength: other.episodeLength, recurrentState: other.recurrentState,
            behaviourPolicy: other.behaviourPolicy)
    }
}
