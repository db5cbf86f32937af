import Glibc
import Logging
import Platform
import Runs
import Wire

/// The coordinator role: who takes part, on which place; the run's record. Off the data path: acting and learning go on without it.
///
/// One thread: messages, ticks and signals go into the `Membership` state machine, its actions come out.
public final class CoordinatorRole {
    private let directory: RunDirectory
    private let endpoint: Endpoint
    private let http: HttpAddress?
    private let context: SocketContext
    private let signals: Signals
    private let log: Logger
    private let lock: RunLock
    private let members: MembersFile
    private let metrics: MetricsWriter
    private let tensorBoard: TensorBoardWriter
    private let run: UInt64
    private let host = ProcessIdentity.hostName
    private var membership: Membership
    private let keys: Keys?
    private var watch: KeyFolderWatch?
    private var door: KeyDoor?
    private var control: Listener!
    private var budget = MessageBudget(perSecond: 200, burst: 1000)
    private var signalCount = 0
    private var outcome: Outcome?

    /// Leads the run in `directory`, from its start or from where a coordinator before left it.
    ///
    /// - Parameters:
    ///   - http: where metrics and health are served; nil: nowhere.
    ///   - keys: this coordinator's identity, and the folder that says who may connect; nil: everybody may.
    public init(
        _ directory: RunDirectory, endpoint: Endpoint, http: HttpAddress? = nil, context: SocketContext, signals: Signals = .none,
        keys: Keys? = nil, log: Logger
    ) throws {
        self.directory = directory
        self.endpoint = endpoint
        self.http = http
        self.context = context
        self.signals = signals
        self.keys = keys
        self.log = log
        lock = try RunLock(directory)
        let spec = try directory.loadSpec()
        members = MembersFile(path: "\(directory.path)/members.json")
        let content = try members.read() ?? MembersFile.Content(run: .random(in: 1...UInt64.max), ledger: Membership.Ledger())
        run = content.run
        try members.write(content)
        let written = Files.exists(directory.metrics) ? try MetricsTable(directory.metrics).records.map(\.time) : []
        try RunResult.clear(in: directory)
        metrics = try MetricsWriter(directory.metrics)
        tensorBoard = try TensorBoardWriter(directory: directory.path)
        membership = Membership(
            Membership.Settings(
                run: run, runName: directory.name, runFile: try spec.yaml(commented: false), runDirectory: directory.path, maximumActors: spec.actors.maximum,
                assignment: ActorAssignment(
                    environment: spec.environment.settings, slots: spec.actors.slots, unroll: spec.actors.unroll, seed: spec.seed,
                    network: try spec.networkSettings, exploration: try spec.exploration,
                    keepsPolicy: try spec.algorithm.needsBehaviourPolicy, tokens: try spec.tokenAssignment)),
            ledger: content.ledger, written: Set(written), now: .now)
    }

    /// Leads until the run is over, or a signal asks to end it. Blocks.
    public func lead() throws -> Ending {
        if let keys {
            let watch = try KeyFolderWatch(keys.folder, now: .now)
            self.watch = watch
            if endpoint.crossesNetwork { door = try KeyDoor(watch.list, context: context) }
            try perform(membership.allow(watch.list, now: .now))
            log.info("serving with the key \(keys.identity.publicKey) of \(keys.name); \(watch.list.count) keys may connect")
        }
        control = try Listener(at: endpoint, context: context) { [context, keys, endpoint] in
            Socket(.router, in: context, frameLimit: Int64(WireProtocol.maximumMessageBytes), security: .server(keys, at: endpoint))
        }
        let bound = control.endpoint
        try Files.writeAtomically(Array("\(bound)\n".utf8), to: directory.coordinator)
        defer { try? Files.remove(directory.coordinator) }
        log.info("leading \(directory.name) at \(bound)")
        let board = StatusBoard(now: .now)
        let pages = StatusPages(board: board, directory: directory, address: bound.description)
        let server = try http.map { try HttpServer($0) { pages.answer($0) } }
        if let server {
            try Files.writeAtomically(Array("\(server.address)\n".utf8), to: directory.http)
            log.info("metrics at http://\(server.address)/metrics")
        }
        defer {
            if let server {
                server.end()
                try? Files.remove(directory.http)
            }
        }
        var interrupted = false
        var lastCensus = Time.zero
        var lastShares = Time.now
        var meter = ShareMeter(ShareMeter.busy, now: .now)
        while outcome == nil {
            meter.enter("messages", now: .now)
            Poll.wait(
                sockets: [control.socket, control.handshakes.events] + (door.map { [$0.socket] } ?? []),
                descriptors: signals.descriptors + [board.descriptor], milliseconds: 50)
            let now = Time.now
            board.turn(now: now) { membership.status(now: now) }
            meter.enter(ShareMeter.busy, now: now)
            door?.serve(now: now)
            control.look(now: now, door: door)
            try followKeys(now)
            if signals.received(before: &signalCount) {
                interrupted = true
                try perform(membership.stop(reason: "the coordinator was asked to stop", now: now))
            }
            var actions: [Membership.Action] = []
            while let frames = control.socket.receive() { actions += take(frames, now) }
            try perform(actions)
            if now - lastShares > 1 {
                lastShares = now
                membership.gauges = meter.take(now: now).map { Gauge($0.name == ShareMeter.busy ? "busy_share" : "wait_share/\($0.name)", $0.share) }
                membership.gauges += [
                    Gauge("refused_keys", Double(door?.rejections.total ?? 0)), Gauge("refused_handshakes", Double(control.refusedHandshakes)),
                    Gauge("dropped_messages", Double(budget.dropped)), Gauge("connections", Double(control.handshakes.connections)),
                ]
            }
            membership.rejected = door?.rejections.told(now: now) ?? []
            if now - lastCensus > 0.05 {
                lastCensus = now
                // What a member is sent tells whether it still has a connection.
                for member in membership.quiet(now: now)
                where !control.socket.send([.bytes(member.peer), .bytes(ControlMessage.heartbeatReply(run: run).encoded())]) {
                    try perform(membership.unreachable(member.token, now: now))
                }
                for process in membership.processes(on: host) where kill(pid_t(process.pid), 0) != 0 && errno == ESRCH {
                    try perform(membership.processGone(process.token, now: now))
                }
                try perform(membership.tick(now: now))
            }
        }
        try writeResult(outcome!)
        return interrupted ? .interrupted : .finished(reason: outcome!.reason)
    }

    private func take(_ frames: [SharedBytes], _ now: Time) -> [Membership.Action] {
        let peer = frames[0].withBytes { Membership.Peer($0) }
        var key: AllowedKey?
        if let door {
            // Revoked a moment ago: the connection is about to be cut.
            guard let allowed = door.list[control.socket.sender] else { return [] }
            key = allowed
        }
        if case .exceeded(let isFirst) = budget.spend(peer, now: now), !membership.isLearner(peer) {
            return isFirst ? membership.overloaded(by: peer, now: now) : []
        }
        guard frames.count == 2 else { return membership.malformed(.frames(expected: 2, found: frames.count), from: peer, now: now) }
        do {
            return membership.received(try ControlMessage(decoding: frames[1]), from: peer, key: key, now: now, wall: Time.wall)
        } catch {
            return membership.malformed(error, from: peer, now: now)
        }
    }

    /// Takes over what somebody has changed in the key folder, and cuts off who may not stay.
    private func followKeys(_ now: Time) throws {
        switch watch?.look(now: now) {
        case .list(let before)?:
            let (list, revoked) = (watch!.list, watch!.list.revoked(since: before))
            log.info("the key folder has changed: \(list.count) keys may connect")
            for key in revoked { log.warning("revoked: \(before[key]?.name ?? "") (\(key))") }
            let isInside = revoked.contains { door?.mayBeInside($0) ?? false }
            door?.list = list
            try perform(membership.allow(list, now: now))
            if isInside { try control.cut() }
        case .unreadable(let problem)?: log.error("the key folder cannot be read, what it said before holds: \(problem)")
        case nil: break
        }
    }

    private func perform(_ actions: [Membership.Action]) throws {
        // Once for all who have come together: what is written last holds what comes before.
        if let ledger = actions.lazy.compactMap({ if case .persist(let ledger) = $0 { ledger } else { nil } }).last {
            try members.write(MembersFile.Content(run: run, ledger: ledger))
        }
        for action in actions {
            switch action {
            // Who cannot be reached is known by its silence.
            case .send(let peer, let message): control?.socket.send([.bytes(peer), .bytes(message.encoded())])
            case .persist: break
            case .append(let record): append(record)
            case .log(let line): log.info("\(line)")
            case .adjust(let maxLag):
                var spec = try directory.loadSpec()
                spec.learner.maxLag = Int(maxLag)
                try directory.rewrite(spec)
                membership.replaceRunFile(try spec.yaml(commented: false))
            case .end(let outcome): self.outcome = outcome
            }
        }
    }

    private func writeResult(_ outcome: Outcome) throws {
        let last = membership.status(now: .now).lastRecord
        try RunResult(
            solved: outcome.solved, reason: outcome.reason, version: last?.version ?? 0, frames: last?.frames ?? 0,
            trainingReturn: last?["training_return"], evaluationReturn: last?["evaluation_return"]
        ).write(to: directory)
    }

    /// A full disk costs lines of the record, not the run.
    private func append(_ record: Record) {
        let line = MetricsRecord(
            time: record.time, version: record.version, frames: record.frames, scalars: record.scalars.map { ($0.name, $0.value) })
        do {
            try metrics.append(line)
            try tensorBoard.append(line)
        } catch {
            log.error("a line of the record is lost: \(error)")
        }
    }
}
