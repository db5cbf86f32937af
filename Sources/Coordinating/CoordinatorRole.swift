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
    private var control: Socket!
    private var signalCount = 0
    private var outcome: Outcome?

    /// Leads the run in `directory`, from its start or from where a coordinator before left it.
    ///
    /// - Parameter http: where metrics and health are served; nil: nowhere.
    public init(
        _ directory: RunDirectory, endpoint: Endpoint, http: HttpAddress? = nil, context: SocketContext, signals: Signals = .none, log: Logger
    ) throws {
        self.directory = directory
        self.endpoint = endpoint
        self.http = http
        self.context = context
        self.signals = signals
        self.log = log
        lock = try RunLock(directory)
        let spec = try directory.loadSpec()
        members = MembersFile(path: "\(directory.path)/members.json")
        let content = try members.read() ?? MembersFile.Content(run: .random(in: 1...UInt64.max), ledger: Membership.Ledger())
        run = content.run
        try members.write(content)
        let lastRecordTime = Files.exists(directory.metrics) ? try MetricsTable(directory.metrics).records.last?.time : nil
        try RunResult.clear(in: directory)
        metrics = try MetricsWriter(directory.metrics)
        tensorBoard = try TensorBoardWriter(directory: directory.path)
        membership = Membership(
            Membership.Settings(
                run: run, runName: directory.name, runFile: try spec.yaml(commented: false), runDirectory: directory.path,
                assignment: ActorAssignment(
                    environment: spec.environment.settings, slots: spec.actors.slots, unroll: spec.actors.unroll, seed: spec.seed,
                    network: try spec.networkSettings, exploration: try spec.exploration,
                    keepsPolicy: try spec.algorithm.needsBehaviourPolicy)),
            ledger: content.ledger, lastRecordTime: lastRecordTime ?? 0, now: .now)
    }

    /// Leads until the run is over, or a signal asks to end it. Blocks.
    public func lead() throws -> Ending {
        control = Socket(.router, in: context, frameLimit: Int64(WireProtocol.maximumMessageBytes))
        let bound = try control.bind(endpoint)
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
            Poll.wait(sockets: [control], descriptors: signals.descriptors + [board.descriptor], milliseconds: 50)
            let now = Time.now
            board.turn(now: now) { membership.status(now: now) }
            meter.enter(ShareMeter.busy, now: now)
            if signals.received(before: &signalCount) {
                interrupted = true
                try perform(membership.stop(reason: "the coordinator was asked to stop", now: now))
            }
            var actions: [Membership.Action] = []
            while let frames = control.receive() { actions += take(frames, now) }
            try perform(actions)
            if now - lastShares > 1 {
                lastShares = now
                membership.gauges = meter.take(now: now).map { Gauge($0.name == ShareMeter.busy ? "busy_share" : "wait_share/\($0.name)", $0.share) }
            }
            if now - lastCensus > 0.05 {
                lastCensus = now
                // What a member is sent tells whether it still has a connection.
                for member in membership.quiet(now: now)
                where !control.send([.bytes(member.peer), .bytes(ControlMessage.heartbeatReply(run: run).encoded())]) {
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
        guard frames.count == 2 else { return membership.malformed(.frames(expected: 2, found: frames.count), from: peer, now: now) }
        do {
            return membership.received(try ControlMessage(decoding: frames[1]), from: peer, now: now, wall: Time.wall)
        } catch {
            return membership.malformed(error, from: peer, now: now)
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
            case .send(let peer, let message): control.send([.bytes(peer), .bytes(message.encoded())])
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
