/// The blocking operations of a process that have begun and not ended.
///
/// Work threads enter theirs; the thread that talks to the coordinator tells of them, so that what hangs is told by somebody who does not.
public final class WaitRegister: Sendable {
    /// One operation: what is awaited, from whom, since when.
    public struct Entry: Sendable {
        public var thread: String
        public var resource: String
        public var holder: String
        public var since: Time
        /// After this many seconds somebody is told, or the wait is given up; nil: never.
        public var deadline: Double?
        public var detail: String

        public init(
            thread: String, resource: String, holder: String, since: Time = .now, deadline: Double? = nil, detail: String = ""
        ) {
            self.thread = thread
            self.resource = resource
            self.holder = holder
            self.since = since
            self.deadline = deadline
            self.detail = detail
        }
    }

    /// That of the role whose work this thread does; nil where nobody asks.
    @TaskLocal public static var current: WaitRegister?

    private struct State {
        var next: UInt64 = 0
        var going: [UInt64: Entry] = [:]
        /// Those of which somebody was told that they are overdue.
        var told: Set<UInt64> = []
    }

    private let entries = Guarded(State())

    public init() {}

    /// Enters an operation, and takes it out when `body` is done.
    public func during<Result, Failure: Error>(_ entry: @autoclosure () -> Entry, _ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let entry = entry()
        let key = entries.read { state in
            state.next += 1
            state.going[state.next] = entry
            return state.next
        }
        defer {
            entries.read {
                $0.going[key] = nil
                if !$0.told.isEmpty { $0.told.remove(key) }
            }
        }
        return try body()
    }

    /// What has lasted longer than its deadline, in words; each operation once.
    public func overdue(now: Time) -> [String] {
        entries.read { state in
            let late = state.going.filter { key, entry in entry.deadline.map { now - entry.since > $0 } ?? false && !state.told.contains(key) }
            state.told.formUnion(late.keys)
            return late.values.sorted { $0.since < $1.since }.map { entry in
                "\(entry.thread) has waited \(Format.seconds(now - entry.since)) for \(entry.resource) from \(entry.holder): \(entry.detail)"
            }
        }
    }

    /// What goes on now, oldest first.
    public var going: [Entry] { entries.read { $0.going.values.sorted { $0.since < $1.since } } }
}

/// The same for whoever has no register at hand: enters the operation in the one of this thread's role, if there is one.
public func waiting<Result, Failure: Error>(
    _ entry: @autoclosure () -> WaitRegister.Entry, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    guard let register = WaitRegister.current else { return try body() }
    return try register.during(entry(), body)
}
