import Platform

/// What a keeper does: keeps a number of actors alive on its host until the run is over. Events in, actions out.
///
/// An actor that dies is started again, after a pause that doubles each time it dies young. One that leaves in order is not: the run is
/// over, or somebody asked it to go. One that is refused is not either: the next one would be, too.
public struct KeeperMachine: Sendable {
    /// How an actor ended.
    public enum Exit: Equatable, Sendable, CustomStringConvertible {
        case code(Int32)
        case signal(Int32)

        public var description: String {
            switch self {
            case .code(let code): "ended with exit code \(code)"
            case .signal(let number): "was killed by signal \(number)"
            }
        }
    }

    public enum Action: Equatable, Sendable {
        case start(Int)
        case signal(Int, kill: Bool)
        case log(String)
        case end(Outcome)
    }

    /// What has become of all actors.
    public struct Outcome: Equatable, Sendable {
        public var finished = 0
        public var failed = 0
        public var restarts = 0

        public init(finished: Int = 0, failed: Int = 0, restarts: Int = 0) {
            (self.finished, self.failed, self.restarts) = (finished, failed, restarts)
        }
    }

    private enum Actor: Equatable {
        case running(since: Time)
        case waiting(until: Time)
        case finished
        case failed
    }

    /// So many deaths in a row within `youth` seconds of the start are too many.
    private static let patience = 5
    private static let youth = 10.0
    private static let longestPause = 8.0
    /// Exit code of a program that the run's other parts will not take.
    private static let refused: Int32 = 3

    private var actors: [Int: Actor] = [:]
    private var youngDeaths: [Int: Int] = [:]
    private var restarts = 0
    private var stopping: Time?
    private var killed = false
    private var hasEnded = false

    public init() {}

    public var running: Int { actors.values.filter { if case .running = $0 { true } else { false } }.count }

    /// Asks for actors 0 ..< count. Those that are there stay; only the missing ones start.
    public mutating func want(_ count: Int, now: Time) -> [Action] {
        guard stopping == nil, !hasEnded else { return [] }
        return (0..<count).compactMap { index in
            switch actors[index] {
            case .running, .waiting: return nil
            case nil, .finished, .failed:
                actors[index] = .running(since: now)
                youngDeaths[index] = 0
                return .start(index)
            }
        }
    }

    /// An actor has ended, or could not be started.
    public mutating func ended(_ index: Int, _ exit: Exit, now: Time) -> [Action] {
        guard case .running(let since)? = actors[index] else { return [] }
        if exit == .code(0) || stopping != nil {
            actors[index] = .finished
            return conclude()
        }
        let deaths = now - since < Self.youth ? youngDeaths[index, default: 0] + 1 : 1
        youngDeaths[index] = deaths
        if exit == .code(Self.refused) || deaths > Self.patience {
            actors[index] = .failed
            let often = deaths > Self.patience ? " for the \(deaths)th time in a row" : ""
            return [.log("actor \(index) \(exit)\(often); it is not started again")] + conclude()
        }
        let pause = min(0.25 * Double(1 << (deaths - 1)), Self.longestPause)
        actors[index] = .waiting(until: now + pause)
        return [.log("actor \(index) \(exit); it is started again")]
    }

    public mutating func tick(now: Time) -> [Action] {
        if let stopping, !killed, now - stopping > Self.youth {
            killed = true
            return running(kill: true)
        }
        return actors.sorted { $0.key < $1.key }.compactMap { index, actor in
            guard case .waiting(let until) = actor, until <= now else { return nil }
            actors[index] = .running(since: now)
            restarts += 1
            return .start(index)
        }
    }

    /// All actors are to leave: asked first, killed if they do not.
    public mutating func stop(now: Time) -> [Action] {
        guard stopping == nil, !hasEnded else { return [] }
        stopping = now
        for (index, actor) in actors { if case .waiting = actor { actors[index] = .finished } }
        return running(kill: false) + conclude()
    }

    private func running(kill: Bool) -> [Action] {
        actors.keys.sorted().compactMap { index in
            if case .running? = actors[index] { .signal(index, kill: kill) } else { nil }
        }
    }

    private mutating func conclude() -> [Action] {
        let over = actors.values.allSatisfy { $0 == .finished || $0 == .failed }
        guard over, !hasEnded else { return [] }
        hasEnded = true
        let failed = actors.values.filter { $0 == .failed }.count
        return [.end(Outcome(finished: actors.count - failed, failed: failed, restarts: restarts))]
    }
}
