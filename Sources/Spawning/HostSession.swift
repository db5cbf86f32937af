import Platform

/// What happens with one host during a spawn: connect, copy the program if it is not there, stay connected, come back after a cut, stop at
/// the end. Events in, actions out; no ssh and no clock in here.
public struct HostSession: Sendable {
    public enum Command: Equatable, Sendable {
        /// `incoming`: where the program was copied to just now. `position`: where in the log to go on.
        case begin(incoming: String?, position: Int?)
        case copy(to: String)
        case stop
    }

    public enum Action: Equatable, Sendable {
        case run(Command)
        /// End the command that runs, if one does: its end comes as an event all the same.
        case abandon
        case say(String)
    }

    public enum State: Equatable, Sendable {
        case waiting
        case connecting
        case attached
        /// The connection is cut; the actors go on.
        case cut
        case stopping
        /// All actors have left in order, or have been told to, or go on without this program (detached).
        case done
        case failed
    }

    public private(set) var state = State.waiting
    public private(set) var trouble: HostTrouble?
    public private(set) var running = 0
    public private(set) var started = 0
    public private(set) var restarts = 0
    public private(set) var reconnects = 0
    public private(set) var isCopied = false
    /// The place in the host's log of the next byte that comes.
    public private(set) var position = 0

    private let plan: HostPlan
    private let script: HostScript
    let detached: Bool
    private var command: Command?
    private var hasAttached = false
    private var keepersLost = 0
    private var retry: Time?
    private var pause = 0.5
    private var said = ""
    private var reported: HostReport?
    private var isStopped = false

    private static let longestPause = 15.0
    private static let remembered = 4000

    public init(_ plan: HostPlan, script: HostScript, detached: Bool) {
        self.plan = plan
        self.script = script
        self.detached = detached
    }

    public var isOver: Bool { state == .done || state == .failed }

    public mutating func start() -> [Action] { begin() }

    /// Ends what runs on the host.
    public mutating func stop() -> [Action] {
        guard !isOver, state != .stopping else { return [] }
        state = .stopping
        retry = nil
        // While a command runs, its end comes first.
        return command == nil ? run(.stop) : [.abandon]
    }

    /// Bytes of the log have come.
    public mutating func received(_ count: Int) { position += count }

    /// A line of standard error.
    public mutating func heard(_ line: Substring) -> [Action] {
        guard let report = HostReport(line) else {
            said = String((said + line + "\n").suffix(Self.remembered))
            return []
        }
        switch report {
        case .unreachable(let why): return [.say("the coordinator cannot be reached from there: \(why); the actors keep trying")]
        case .attached(let running, let started, let position, let other):
            let again = hasAttached
            (state, self.running, pause) = (state == .stopping ? state : .attached, running, 0.5)
            self.started += started
            self.position = position
            hasAttached = true
            let note = other ? "; they run another build of the program: apus spawn --stop, then spawn again, changes it" : ""
            let already = running - started
            if again { return started > 0 ? [.say("\(started) actors were started again")] : [.say("connected again")] }
            return [.say((already > 0 ? "\(started) actors started, \(already) ran already" : "\(started) actors started") + note)]
        default:
            reported = report
            return []
        }
    }

    /// The command that ran has ended.
    public mutating func ended(code: Int32, now: Time) -> [Action] {
        let (ended, report) = (command, reported)
        (command, reported) = (nil, nil)
        if state == .stopping { return stopping(after: ended, report, code) }
        switch ended {
        case .begin(_, _): return begun(report, code, now)
        case .copy(let path):
            guard code == 0 else { return fail(.connection(to: plan, code: code, said: said)) }
            isCopied = true
            return begin(incoming: path)
        case .stop, nil: return []
        }
    }

    public mutating func tick(now: Time) -> [Action] {
        guard let retry, retry <= now else { return [] }
        return begin()
    }

    // MARK: Steps

    private mutating func run(_ command: Command) -> [Action] {
        self.command = command
        said = ""
        return [.run(command)]
    }

    private mutating func begin(incoming: String? = nil) -> [Action] {
        if state == .waiting { state = .connecting }
        retry = nil
        return run(.begin(incoming: incoming, position: hasAttached ? position : nil))
    }

    private mutating func begun(_ report: HostReport?, _ code: Int32, _ now: Time) -> [Action] {
        switch report {
        case .missing(let path): return [.say("copying the program, \(script.programBytes >> 20) MB")] + run(.copy(to: path))
        case .over(let finished, let failed, let restarts):
            (running, self.restarts) = (0, self.restarts + restarts)
            if failed > 0 {
                let problem = "\(failed) of \(finished + failed) actors failed and were not started again"
                return fail(HostTrouble(problem: problem, place: plan.destination, remedy: "Mend what the lines above say, then spawn again."))
            }
            return finish("all actors have left")
        case .keeperLost where keepersLost < 5:
            keepersLost += 1
            retry = now
            return [.say("the actors were killed from outside; starting them again")]
        case .keeperLost:
            return fail(HostTrouble(
                problem: "its actors are killed from outside again and again", place: plan.destination,
                remedy: "Look there for what ends processes: memory that runs out, a job scheduler, a login that ends."))
        case let report?:
            if let trouble = HostTrouble.reported(report, on: plan, script: script, said: said) { return fail(trouble) }
        case nil: break
        }
        if code == 0, detached, hasAttached { return finish(nil) }
        // A connection that once held comes back; one that never did is a mistake that the user should know of.
        guard hasAttached else { return fail(.connection(to: plan, code: code, said: said)) }
        let wasCut = state == .cut
        state = .cut
        reconnects += 1
        retry = now + pause
        pause = min(pause * 2, Self.longestPause)
        return wasCut ? [] : [.say("the connection is cut (\(HostTrouble.lastLine(said))); the actors go on, connecting again")]
    }

    private mutating func stopping(after ended: Command?, _ report: HostReport?, _ code: Int32) -> [Action] {
        guard ended == .stop else { return run(.stop) }
        if case .stopped(let count) = report {
            running = 0
            return finish(count > 0 ? "\(count) actors stopped" : "nothing runs")
        }
        return fail(.connection(to: plan, code: code, said: said))
    }

    private mutating func finish(_ line: String?) -> [Action] {
        state = .done
        return line.map { [.say($0)] } ?? []
    }

    private mutating func fail(_ trouble: HostTrouble) -> [Action] {
        state = .failed
        self.trouble = trouble
        return [.say("error: \(trouble)")]
    }
}
