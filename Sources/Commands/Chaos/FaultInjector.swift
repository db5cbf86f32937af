import CPlatform
import Glibc
import Platform

/// Inflicts the faults of a schedule upon the processes of a run, at their times, and measures how soon training goes on after each.
final class FaultInjector {
    /// A fault that was inflicted.
    struct Inflicted {
        var fault: Fault
        var begin: Time
        /// When it was over: whoever was killed may be started again at once.
        var end: Time?
        /// Seconds from its end to the next update, if no other fault came in between.
        var recovery: Double?
    }

    private(set) var inflicted: [Inflicted] = []
    /// Processes that were killed.
    private(set) var killed: Set<Int32> = []
    /// Whether a file could not grow since the last start of the run.
    private(set) var hasFilledDisk = false
    /// Set by who starts a run: its network.
    var conditions: Guarded<RelayConditions>?

    private var faults: Faults
    private var next: Fault?
    private let count: Int
    private let seconds: Double
    /// Time on the schedule's clock, which runs while the run does.
    private var clock = 0.0
    private var lastTurn: Time?
    private var lastTraining: Time = .now
    /// The duty cycle of a slow process: who stands still at this moment.
    private var standing: Set<Int32> = []
    private var pids: [String: Int32] = [:]

    /// Of a slow process, one period of running and standing, in seconds.
    private static let period = 0.1

    /// - Parameters:
    ///   - count: faults in all.
    ///   - seconds: no fault begins later.
    init(_ schedule: FaultSchedule, count: Int, seconds: Double) {
        faults = schedule.makeIterator()
        self.count = count
        self.seconds = seconds
        next = faults.next()
    }

    /// Whether nothing more will happen.
    var isOver: Bool { !hasMore && active.isEmpty }
    private var hasMore: Bool { inflicted.count < count && next.map { $0.start <= seconds } ?? false }
    private var active: [Int] { inflicted.indices.filter { inflicted[$0].end == nil } }

    /// Seconds since the last update or fault, whichever came later.
    func calm(now: Time) -> Double {
        active.isEmpty ? now - max(lastTraining, inflicted.last.flatMap(\.end) ?? .zero, startedAt) : 0
    }
    private var startedAt = Time.now

    /// A run begins, or goes on.
    func started() {
        (lastTurn, startedAt, hasFilledDisk) = (nil, .now, false)
        for index in inflicted.indices where inflicted[index].recovery == nil { isMeasured.remove(index) }
    }
    private var isMeasured: Set<Int> = []

    /// - Parameters:
    ///   - processes: by member.
    ///   - trained: rollouts trained on since the last turn.
    func turn(processes: [String: Int32], trained: Int, now: Time, _ report: (Fault) -> Void) {
        pids = processes
        conditions?.update { $0.names = Dictionary(processes.map { ($1, $0) }) { first, _ in first } }
        if trained > 0 { progressed(now) }
        clock += lastTurn.map { now - $0 } ?? 0
        lastTurn = now
        for index in active where clock >= inflicted[index].fault.end { end(index, now) }
        for index in active { if case .slow(let share) = inflicted[index].fault.kind { beat(inflicted[index].fault.member, share, now) } }
        while hasMore, let fault = next, fault.start <= clock, let pid = processes[fault.member] {
            next = faults.next()
            begin(fault, pid, now)
            report(fault)
        }
        // A fault whose victim is being started waits for it, and the clock with it.
        if hasMore, let next, clock > next.start { clock = next.start }
    }

    /// The run is about to end: everything is well again.
    func mendAll() {
        for index in active { end(index, .now) }
    }

    private func progressed(_ now: Time) {
        lastTraining = now
        // What was written in the moment of the fault itself is no recovery: only from the turn after next.
        for index in isMeasured {
            guard let end = inflicted[index].end, now - end > 0.025 else { continue }
            inflicted[index].recovery = now - end
            isMeasured.remove(index)
        }
    }

    private func begin(_ fault: Fault, _ pid: Int32, _ now: Time) {
        isMeasured = []
        inflicted.append(Inflicted(fault: fault, begin: now))
        conditions?.update { $0.inflict(fault) }
        switch fault.kind {
        case .kill:
            killed.insert(pid)
            kill(pid, SIGKILL)
            end(inflicted.count - 1, now)
        case .pause: kill(pid, SIGSTOP)
        case .fullDisk:
            hasFilledDisk = true
            _ = apus_limit_files(pid, 0)
        case .cut, .delay, .limit, .slow: break
        }
    }

    private func end(_ index: Int, _ now: Time) {
        let fault = inflicted[index].fault
        inflicted[index].end = now
        if active.isEmpty { isMeasured.insert(index) }
        conditions?.update { $0.mend(fault.member) }
        guard let pid = pids[fault.member] else { return }
        switch fault.kind {
        case .pause, .slow:
            kill(pid, SIGCONT)
            standing.remove(pid)
        case .fullDisk: _ = apus_limit_files(pid, -1)
        case .kill, .cut, .delay, .limit: break
        }
    }

    private func beat(_ member: String, _ share: Double, _ now: Time) {
        guard let pid = pids[member] else { return }
        let phase = Double(now.nanoseconds % Int64(Self.period * 1e9)) / (Self.period * 1e9)
        let runs = phase < share
        guard runs == standing.contains(pid) else { return }
        kill(pid, runs ? SIGCONT : SIGSTOP)
        if runs { standing.remove(pid) } else { standing.insert(pid) }
    }
}
