import Glibc
import Platform
import Runs
import Wire

/// One run under faults, from its start to its end, over a network that fails.
struct ChaosRun {
    enum Event {
        case fault(Fault)
        case note(String)
    }

    let directory: RunDirectory
    let actors: Int
    let injector: FaultInjector

    /// Longer than this without an update, and with nothing wrong, and the run has not survived, in seconds.
    static let patience = 20.0

    /// What was not survived, in words; empty when all was.
    private(set) var problems: [String] = []
    /// Which process was which actor.
    private(set) var places: [Int32: MemberPlace] = [:]
    private(set) var isInterrupted = false

    init(_ directory: RunDirectory, actors: Int, injector: FaultInjector) {
        self.directory = directory
        self.actors = actors
        self.injector = injector
    }

    /// Runs to the end. A learner that could not write has ended the run: with space again, it is resumed.
    mutating func run(signals: Signals, _ report: (Event) -> Void) throws {
        while true {
            do {
                try runOnce(signals, report)
                return
            } catch let failure as RoleFailure {
                guard injector.hasFilledDisk, !isInterrupted, problems.isEmpty else { throw failure }
                report(.note("the \(failure.name) could not write and has ended the run; it is resumed"))
            }
        }
    }

    private mutating func runOnce(_ signals: Signals, _ report: (Event) -> Void) throws {
        var relay: Relay?
        defer { relay?.close() }
        let run = try LocalRun(directory, actors: actors, signals: signals) { runtime in
            let (listening, connecting) = ("\(runtime)/l", "\(runtime)/c")
            try Files.createDirectory(listening)
            try Files.createDirectory(connecting)
            relay = try Relay(at: connecting, to: listening)
            return LocalRun.Wiring(listening: listening, connecting: connecting)
        }
        injector.conditions = relay?.conditions
        injector.started()
        var tail = LedgerTail(directory.ledger)
        _ = try tail.newlyTrained()
        var (stalled, places, hasBegun, unexpected) = (false, places, false, [String]())
        let injector = injector
        isInterrupted = try run.run(turn: {
            let trained = try tail.newlyTrained()
            // Everybody has found everybody: from now on, things happen.
            hasBegun = hasBegun || trained > 0
            let now = Time.now
            if hasBegun { injector.turn(processes: run.processes, trained: trained, now: now) { report(.fault($0)) } }
            if !stalled, injector.calm(now: now) > Self.patience {
                stalled = true
                report(.note("nothing was trained on for \(Self.patience) s, and nothing is wrong: stopping"))
                run.stop()
            }
        }) { event in
            switch event {
            case .status(let status): for member in status.members where member.role == .actor { places[Int32(member.pid)] = member.place }
            case .restarted(let name, let pid, let exit, let why):
                // Whoever leaves in order was told by the learner that the run is over, which the coordinator has not heard yet.
                let isExplained = exit == .signal(SIGKILL) || exit == .code(0) || injector.hasFilledDisk
                if !isExplained { unexpected.append("\(name) \(why), and nobody had killed it") }
                report(.note("\(name) \(why); started again as process \(pid)"))
            case .stopping(let what): report(.note(what))
            case .over: injector.mendAll()
            }
        }
        self.places = places
        problems += unexpected
        if stalled { problems.append("nothing was trained on for \(Self.patience) s after the last fault was over") }
    }
}
