/// What the records of a ledger say, taken together. A pure value: records in, state out.
///
/// Every rollout is either *open* (produced, no terminal event) or terminal by exactly one kind, or *rewound*: trained in an update that
/// was undone with the weights, and free to be trained again if its actor sends it again.
public struct LedgerState: Sendable, Equatable {
    /// One start of one actor.
    public struct Incarnation: Hashable, Comparable, Sendable, CustomStringConvertible {
        public var actor: UInt32
        public var number: UInt32
        public init(actor: UInt32, number: UInt32) { (self.actor, self.number) = (actor, number) }
        public static func < (a: Self, b: Self) -> Bool { (a.actor, a.number) < (b.actor, b.number) }
        public var description: String { "\(actor).\(number)" }
    }

    /// How many rollouts ended in which way.
    public struct Counts: Sendable, Equatable {
        public internal(set) var trained: UInt64 = 0
        public internal(set) var stale: UInt64 = 0
        public internal(set) var filtered: UInt64 = 0
        public internal(set) var failed: UInt64 = 0
        public internal(set) var cancelled: UInt64 = 0
        public internal(set) var lost: UInt64 = 0
        public internal(set) var rewound: UInt64 = 0
        public var terminal: UInt64 { trained + stale + filtered + failed + cancelled + lost + rewound }

        mutating func add(_ number: UInt64, _ kind: LedgerRecord.Kind) {
            switch kind {
            case .trained: trained += number
            case .stale: stale += number
            case .filtered: filtered += number
            case .failed: failed += number
            case .cancelled: cancelled += number
            case .lost: lost += number
            case .produced, .rewound, .started, .acted, .joined: break
            }
        }

        mutating func add(_ other: Counts) {
            trained += other.trained
            stale += other.stale
            filtered += other.filtered
            failed += other.failed
            cancelled += other.cancelled
            lost += other.lost
            rewound += other.rewound
        }
    }

    /// What is known of one incarnation's rollouts.
    public struct Progress: Sendable, Equatable {
        /// The highest sequence in any record, which is how many were produced.
        public internal(set) var produced: UInt64 = 0
        public internal(set) var counts = Counts()
        /// The highest sequence of which is known what acted.
        public internal(set) var acted: UInt64 = 0
        /// How many slots it has; 0: nothing of it has come.
        public internal(set) var slots: UInt64 = 0
        /// All terminal sequences, the rewound ones included.
        var terminal = SequenceSet()
        var rewound = SequenceSet()
        public var open: UInt64 { produced - terminal.count }
    }

    /// A record that contradicts those before it.
    public enum Contradiction: Sendable, Equatable {
        case secondTerminalEvent
        /// Sequences count from 1; a range must not end before it begins.
        case badSequence
        case versionWentBack(from: UInt64)
    }

    private struct Undoable: Sendable, Equatable {
        var version: UInt64
        var incarnation: Incarnation
        var sequence: UInt64
    }

    public private(set) var incarnations: [Incarnation: Progress] = [:]
    /// How many learner lives began.
    public private(set) var lives: UInt32 = 0
    public private(set) var rewinds = 0
    /// The newest version that was trained and not undone.
    public private(set) var version: UInt64 = 0
    private var undoable: [Undoable] = []

    public init() {}

    public var totals: Counts { incarnations.values.reduce(into: Counts()) { $0.add($1.counts) } }
    public var produced: UInt64 { incarnations.values.reduce(0) { $0 + $1.produced } }
    public var open: UInt64 { incarnations.values.reduce(0) { $0 + $1.open } }

    /// Whether the rollout has its terminal event: a copy that arrives now must not be trained on. False for a rewound one.
    public func isTerminal(actor: UInt32, incarnation: UInt32, sequence: UInt64) -> Bool {
        guard let progress = incarnations[Incarnation(actor: actor, number: incarnation)] else { return false }
        return progress.terminal.contains(sequence) && !progress.rewound.contains(sequence)
    }

    /// Takes the next record. A contradiction changes nothing.
    ///
    /// - Parameter mayBeUndone: whether a `rewound` may come that undoes this `trained` record. Each one that may costs memory until then;
    ///   who knows that none will come, passes false.
    @discardableResult
    public mutating func apply(_ record: LedgerRecord, mayBeUndone: Bool = true) -> Contradiction? {
        switch record.kind {
        case .started:
            lives = max(lives, record.incarnation)
            return nil
        case .rewound:
            rewind(to: record.version)
            return nil
        case .joined:
            incarnations[Incarnation(actor: record.actor, number: record.incarnation), default: Progress()].slots = record.version
            return nil
        case .produced, .acted, .trained, .stale, .filtered, .failed, .cancelled, .lost: break
        }
        let first = record.kind.coversRange ? record.version : record.sequence
        guard first >= 1, first <= record.sequence, record.sequence < .max else { return .badSequence }
        let key = Incarnation(actor: record.actor, number: record.incarnation)
        if record.kind == .trained, record.version < version { return .versionWentBack(from: version) }
        let contradiction = incarnations[key, default: Progress()].apply(record, first: first)
        if record.kind == .trained, contradiction == nil {
            version = record.version
            if mayBeUndone { undoable.append(Undoable(version: record.version, incarnation: key, sequence: record.sequence)) }
        }
        return contradiction
    }

    private mutating func rewind(to checkpoint: UInt64) {
        rewinds += 1
        version = min(version, checkpoint)
        for event in undoable where event.version > checkpoint {
            incarnations[event.incarnation]!.rewound.insert(event.sequence)
            incarnations[event.incarnation]!.counts.trained -= 1
            incarnations[event.incarnation]!.counts.rewound += 1
        }
        undoable.removeAll { $0.version > checkpoint }
    }
}

extension LedgerState.Progress {
    fileprivate mutating func apply(_ record: LedgerRecord, first: UInt64) -> LedgerState.Contradiction? {
        produced = max(produced, record.sequence)
        if record.kind == .acted { acted = max(acted, record.sequence) }
        guard record.kind.isTerminal else { return nil }
        if record.kind.coversRange {
            // Those in the range that have ended already keep their end.
            counts.add(terminal.insert(first ... record.sequence), record.kind)
            return nil
        }
        if !terminal.insert(record.sequence) {
            guard rewound.remove(record.sequence) else { return .secondTerminalEvent }
            counts.rewound -= 1
        }
        counts.add(1, record.kind)
        return nil
    }
}
