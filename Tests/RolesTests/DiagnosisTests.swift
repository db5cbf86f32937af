import Coordinating
import Runs
import Testing
import Wire

/// The diagnosis on tables: what members say, and what is made of it.
@Suite struct DiagnosisTests {
    private static let here = "here"

    private func actor(
        rank: UInt32 = 0, host: String = here, silent: Double = 0.2, _ gauges: [String: Double] = [:], waits: [Wait] = [],
        clockAhead: Double? = 0
    ) -> MemberStatus {
        MemberStatus(
            role: .actor, place: MemberPlace(rank: rank, incarnation: 0), host: host, pid: 100 + rank, silentSeconds: silent,
            gauges: gauges.map { Gauge($0.key, $0.value) }, waits: waits, clockAhead: clockAhead)
    }

    private func learner(
        silent: Double = 0.2, _ gauges: [String: Double] = [:], waits: [Wait] = [], streams: [StreamProgress] = [], clockAhead: Double? = 0
    ) -> MemberStatus {
        MemberStatus(
            role: .learner, place: MemberPlace(rank: 0, incarnation: 1), host: Self.here, pid: 50, silentSeconds: silent,
            gauges: gauges.map { Gauge($0.key, $0.value) }, waits: waits, streams: streams, clockAhead: clockAhead)
    }

    private func stream(_ rank: UInt32 = 0, received: UInt64, acknowledged: UInt64, silent: Double = 0.1) -> StreamProgress {
        StreamProgress(
            actor: MemberPlace(rank: rank, incarnation: 0), received: received, acknowledged: acknowledged, tickets: 1, silentSeconds: silent)
    }

    private func status(_ members: [MemberStatus], record: Record? = Self.record, events: [MembershipEvent] = []) -> Status {
        Status(
            run: 1, runName: "r", runDirectory: "runs/r", ageSeconds: 60, members: members, lastRecord: record, refused: 0, events: events)
    }

    private static let record = Record(sequence: 1, time: 1, version: 10, frames: 1000, scalars: [Gauge("frames_per_second", 50_000)])
    private static let alive: [UInt32: ProcessState] = Dictionary(
        uniqueKeysWithValues: ([50] + (100..<110)).map { ($0, ProcessState(letter: "S", program: "apus")) })
    private let starved = Wait(resource: "rollouts (0 of 1)", holder: "actors", seconds: 3, thread: "training")
    private let forCredit = Wait(resource: "credit", holder: "learner", seconds: 3, thread: "stepping")

    private func diagnose(
        _ status: Status?, processes: [UInt32: ProcessState] = Self.alive, coordinator: Evidence.Coordinator? = nil,
        account: Evidence.Account? = nil
    ) -> Diagnosis {
        Diagnosis(
            Evidence(
                address: "tcp://here:7700", status: status, patience: 1, coordinator: coordinator, host: Self.here, processes: processes,
                account: account, directory: "runs/r"))
    }

    private func answer(
        _ members: [MemberStatus], processes: [UInt32: ProcessState] = Self.alive, events: [MembershipEvent] = [],
        account: Evidence.Account? = nil
    ) -> Explanation { diagnose(status(members, events: events), processes: processes, account: account).answer }

    private func event(
        _ kind: MembershipEvent.Kind, _ text: String, ago: Double, role: Role = .actor, rank: UInt32 = 0, incarnation: UInt32 = 0,
        host: String = here
    ) -> MembershipEvent {
        MembershipEvent(
            kind, secondsAgo: ago, text: text,
            subject: .init(role: role, place: MemberPlace(rank: rank, incarnation: incarnation), host: host, pid: 100 + rank))
    }

    // MARK: The coordinator

    @Test func aCoordinatorThatDoesNotAnswer() {
        func answer(_ state: ProcessState?) -> Explanation { diagnose(nil, coordinator: .init(pid: 9, state: state)).answer }
        #expect(answer(ProcessState(letter: "T", program: "c")).cause == .coordinatorStopped)
        #expect(answer(ProcessState(letter: "T", program: "c")).remedy?.contains("kill -CONT 9") == true)
        #expect(answer(nil).cause == .coordinatorGone)
        #expect(answer(ProcessState(letter: "Z", program: "c")).cause == .coordinatorGone)
        #expect(answer(ProcessState(letter: "D", program: "c")).cause == .slowDisk)
        #expect(answer(ProcessState(letter: "S", program: "c")).cause == .coordinatorSilent)
        #expect(diagnose(nil).answer.cause == .coordinatorSilent && diagnose(nil).answer.sentence.contains("tcp://here:7700"))
    }

    // MARK: Who is missing

    @Test func nobodyHasJoined() {
        #expect(answer([]).cause == .noLearner)
        #expect(answer([actor()]).sentence == "no learner has joined: 1 actor can send nothing")
        #expect(answer([learner()]).cause == .noActor)
    }

    @Test func aWarmupIsNoStandstill() {
        let progress = WarmupProgress(updates: 50, limit: 200, loss: 1.25, accuracy: 0.1, target: 0.3)
        let gauges = Dictionary(uniqueKeysWithValues: progress.metrics.map { ($0.name, $0.value) })
        let explanation = answer([learner(gauges), actor()])
        #expect(explanation.cause == .starting)
        #expect(explanation.sentence.contains("not training yet; warm-up: 50 of at most 200 updates, loss 1.25, correct 10 % of 30 %"))
    }

    @Test func theLastOneDied() {
        let explanation = answer([learner(waits: [starved])], processes: [:], events: [event(.joined, "", ago: 9), event(.lost, "its process ended", ago: 2)])
        #expect(explanation.cause == .deadMember && explanation.culprit == "actor 0.0")
        #expect(explanation.sentence == "actor 0.0 (process 100 on here) died 2.0 s ago: no actor is left, and the learner waits for rollouts")
        // Somebody has its place again.
        let replaced = [event(.lost, "its process ended", ago: 3), event(.joined, "", ago: 2, incarnation: 1)]
        #expect(answer([actor(), learner(["learner_busy_share": 1])], events: replaced).cause == .learnerBound)
        #expect(answer([actor()], processes: [:], events: [event(.lost, "silent for 3.0 s", ago: 2, role: .learner)]).cause == .deadMember)
    }

    @Test func leftInOrderIsSaid() {
        let explanation = answer([learner(waits: [starved])], events: [event(.left, "interrupted", ago: 4)])
        #expect(explanation.cause == .noActor && explanation.sentence.contains("left 4.0 s ago (interrupted)"))
    }

    // MARK: Who is silent

    @Test func stoppedMembers() {
        var processes = Self.alive
        processes[100] = ProcessState(letter: "T", program: "apus-actor")
        let explanation = answer([actor(silent: 0.9), actor(rank: 1), learner()], processes: processes)
        #expect(explanation.cause == .stoppedMember && explanation.culprit == "actor 0.0")
        #expect(explanation.sentence.hasSuffix("training goes on with 1 other actor") && explanation.remedy == "Let it go on: kill -CONT 100")
        // Given up by the coordinator.
        let lost = answer([learner(waits: [starved])], processes: processes, events: [event(.lost, "silent for 3.0 s", ago: 1)])
        #expect(lost.cause == .stoppedMember && lost.culprit == "actor 0.0")
        processes[50] = ProcessState(letter: "t", program: "apus-learner")
        let both = diagnose(status([actor(silent: 2), learner(silent: 2)]), processes: processes)
        #expect(both.answer.culprit == "learner 0.1" && both.explanations[1].culprit == "actor 0.0")
    }

    @Test func cutLinks() {
        // On this host, where the process can be seen.
        #expect(answer([actor(silent: 2), learner()]).cause == .cutLink)
        // On another one: the learner tells.
        let streams = [stream(received: 5, acknowledged: 5)]
        let control = answer([actor(host: "there", silent: 2), learner(streams: streams)])
        #expect(control.cause == .cutLink && control.sentence.contains("while the learner hears it"))
        let whole = answer([actor(host: "there", silent: 2), learner(streams: [stream(received: 5, acknowledged: 5, silent: 2)])])
        #expect(whole.cause == .silentMember && whole.sentence.contains("and the learner has not heard it for 2.2 s"))
    }

    @Test func heartbeatsThatAreALittleLate() {
        #expect(answer([actor(silent: 1.2), learner(["learner_busy_share": 1])]).cause == .learnerBound)
    }

    // MARK: Acting

    @Test func hungEnvironments() {
        let wait = Wait(
            resource: "environment step", holder: "environment", seconds: 4.2, thread: "stepping", deadline: 30,
            detail: "slots 0 to 3 of worker:x, process 7")
        let explanation = answer([actor(["step_seconds": 0.01], waits: [wait]), learner(waits: [starved])])
        #expect(explanation.cause == .hungEnvironment && explanation.culprit == "the environment of actor 0.0")
        #expect(
            explanation.sentence == "the environment of actor 0.0 (process 100 on here) hangs: environment step for 4.2 s (slots 0 to 3 of worker:x, "
                + "process 7), which is killed after 30.0 s; the learner has waited for rollouts for 3.0 s")
        // A slow one is merely slow.
        let slow = actor(["step_seconds": 2, "busy_share": 1], waits: [wait])
        #expect(answer([slow, learner(["learner_busy_share": 0.1])]).cause == .actorBound)
    }

    @Test func lostAcknowledgements() {
        let wait = Wait(resource: "acknowledgement of rollout 9", holder: "learner", seconds: 2.5, thread: "sockets")
        let gauges: [String: Double] = ["produced": 10, "unacknowledged": 2, "learner_silent_seconds": 2.4]
        let lost = answer([actor(gauges, waits: [wait, forCredit]), learner(waits: [starved], streams: [stream(received: 10, acknowledged: 10)])])
        #expect(lost.cause == .lostAcknowledgement && lost.sentence.contains("(up to 10)"))
        // The learner has no word of it, and says nothing either.
        let cut = answer([actor(gauges, waits: [wait]), learner(waits: [starved], streams: [stream(received: 8, acknowledged: 8, silent: 2.4)])])
        #expect(cut.cause == .cutLink && cut.culprit == "the link between actor 0.0 and the learner")
        // It answers, and the rollout never came.
        let heard: [String: Double] = ["produced": 10, "unacknowledged": 2, "learner_silent_seconds": 0.2]
        let gone = answer([actor(heard, waits: [wait]), learner(waits: [starved], streams: [stream(received: 8, acknowledged: 8)])])
        #expect(gone.cause == .lostRollout && gone.culprit == "rollout 0.0/9")
        // It has them, and takes its time.
        let queued = answer([actor(heard, waits: [wait]), learner(["learner_busy_share": 1], streams: [stream(received: 10, acknowledged: 8)])])
        #expect(queued.cause == .learnerBound)
    }

    @Test func exhaustedCredits() {
        let learner = learner(["rollouts_per_update": 8, "credits": 2], waits: [Wait(resource: "rollouts (2 of 8)", holder: "actors", seconds: 3, thread: "training")])
        let explanation = answer([actor(waits: [forCredit]), actor(rank: 1, waits: [forCredit]), learner])
        #expect(explanation.cause == .exhaustedCredits && explanation.remedy?.contains("Start more actors") == true)
        // One that still acts will bring something.
        #expect(answer([actor(waits: [forCredit]), actor(rank: 1), learner]).cause != .exhaustedCredits)
        // Enough credit, and still nobody moves: a cycle that nobody has thought of.
        let diagnosis = diagnose(status([actor(waits: [forCredit]), self.learner(["rollouts_per_update": 2, "credits": 2], waits: [starved])]))
        #expect(diagnosis.answer.cause == .cycle)
        #expect(diagnosis.answer.sentence.contains("learner 0.1 (training)") && diagnosis.answer.sentence.contains("for credit from learner 0.1"))
        #expect(diagnosis.chain.count == 2)
    }

    @Test func limiter() {
        let wait = Wait(resource: "replayed batches", holder: "replay limiter", seconds: 5, thread: "training", detail: "samples wait for 9 more inserts")
        let explanation = answer([actor(), learner(["learner_busy_share": 0.2], waits: [wait])])
        #expect(explanation.cause == .limiter && explanation.sentence.contains("samples wait for 9 more inserts"))
    }

    // MARK: Hosts

    @Test func slowDisks() {
        let wait = Wait(resource: "disk", holder: "disk", seconds: 2, thread: "checkpoints", detail: "checkpoint 7 in runs/r")
        #expect(answer([actor(), learner(["learner_busy_share": 1], waits: [wait])]).culprit == "the disk of here")
        let ledger = Wait(resource: "disk", holder: "disk", seconds: 3, thread: "training", detail: "the ledger")
        #expect(answer([actor(), learner(waits: [wait, ledger])]).sentence.contains("no updates are made"))
    }

    @Test func lostItems() {
        let members = [actor(), learner(["learner_busy_share": 1], streams: [stream(received: 10, acknowledged: 10)])]
        let place = MemberPlace(rank: 0, incarnation: 0)
        #expect(answer(members, account: .init(ended: [place: 10])).cause == .learnerBound)
        #expect(answer(members, account: .init(ended: [place: 12])).cause == .learnerBound, "it was read later")
        let lost = answer(members, account: .init(ended: [place: 7]))
        #expect(lost.cause == .lostRollout && lost.sentence.hasPrefix("3 rollouts of actor 0.0 are lost"))
        #expect(answer(members, account: .init(violations: 2, firstViolation: "twice", ended: [place: 10])).cause == .unsoundLedger)
    }

    @Test func clocks() {
        let healthy = learner(["learner_busy_share": 1])
        #expect(answer([actor(clockAhead: -0.4), healthy]).cause == .learnerBound)
        let behind = answer([actor(clockAhead: -3600), healthy])
        #expect(behind.cause == .clockSkew && behind.sentence.contains("60 min 0 s behind") || behind.sentence.contains("1 h 0 min behind"))
        #expect(answer([actor(), learner(["learner_busy_share": 1], clockAhead: 5)]).sentence.contains("5.0 s ahead of"))
    }

    @Test func refusals() {
        let refused = MembershipEvent(.refused, secondsAgo: 1, text: "protocol version 3 cannot talk to protocol version 4", count: 7, subject: nil)
        #expect(answer([actor(), learner(["learner_busy_share": 1])], events: [refused]).cause == .refusedPeer)
        #expect(answer([actor()], events: [refused]).cause == .refusedPeer, "it may be the learner that is missing")
        let old = MembershipEvent(.refused, secondsAgo: 60, text: "x", subject: nil)
        #expect(answer([actor(), learner(["learner_busy_share": 1])], events: [old]).cause == .learnerBound)
    }

    // MARK: Nothing is wrong

    @Test func whatLimitsAHealthyRun() {
        let waiting: [String: Double] = ["busy_share": 0.4, "wait_share/credit": 0.6]
        let learnerBound = answer([actor(waiting), actor(rank: 1, waiting), learner(["learner_busy_share": 0.98, "queued_rollouts": 3])])
        #expect(!learnerBound.isFault)
        #expect(
            learnerBound.sentence == "nothing is wrong at 50.0 k frames/s: the learner is the bottleneck, busy 98 %, with 3 rollouts in its queue; "
                + "2 actors wait for credit 60 % of the time")
        let actorBound = answer([actor(["busy_share": 0.97]), learner(["learner_busy_share": 0.3, "learner_wait_share/rollouts": 0.7])])
        #expect(actorBound.cause == .actorBound && actorBound.sentence.contains("waits for rollouts 70 %"))
        let lagBound = answer([actor(["busy_share": 0.2, "wait_share/weights": 0.8]), learner(["learner_busy_share": 0.5])])
        #expect(lagBound.cause == .lagBound)
        #expect(diagnose(status([actor(), learner()], record: nil)).answer.cause == .starting)
        #expect(answer([actor(), learner(["busy_seconds": 7, "learner_busy_share": 1])]).sentence.contains("busy with one update for 7.0 s"))
    }

    @Test func aRunThatIsOver() {
        let over = Record(sequence: 2, time: 2, version: 11, frames: 2000, scalars: [], outcome: Outcome(solved: true, reason: "solved"))
        #expect(diagnose(status([], record: over)).answer.sentence == "the run is over: solved")
    }

    /// Whatever members say, there is an answer.
    @Test func thereIsAlwaysAnAnswer() {
        let numbers = [-1, 0, 1e300, .nan, .infinity, -.infinity, 0.5]
        let names = ["produced", "unacknowledged", "learner_silent_seconds", "busy_seconds", "learner_busy_share", "rollouts_per_update", "credits", "queued_rollouts"]
        for number in numbers {
            for name in names {
                let gauges = [name: number]
                let waits = [Wait(resource: "acknowledgement", holder: "learner", seconds: 1e300), forCredit, starved]
                _ = answer([actor(silent: number, gauges, waits: waits, clockAhead: number), learner(gauges, waits: waits, streams: [stream(received: .max, acknowledged: .max)])], account: .init())
            }
        }
    }
}
