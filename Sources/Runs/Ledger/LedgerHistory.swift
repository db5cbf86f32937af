import Platform
import Rollouts

/// What a ledger tells of the learner's way: its lives and updates in order, and which policy acted in each rollout.
public struct LedgerHistory: Sendable {
    public enum Step: Sendable, Equatable {
        /// A life began, with the policy version of the checkpoint it resumed from; 0: from the start.
        case began(life: UInt32, version: UInt64)
        /// The update that made `version`, with its rollouts in the order in which they were summed.
        case trained(version: UInt64, [RolloutID])
        /// An update that was refused for what is not finite.
        case refused([RolloutID])
    }

    /// Which weights chose the actions of a rollout.
    public struct Acting: Hashable, Sendable {
        public var life: UInt32
        public var version: UInt64

        public init(life: UInt32, version: UInt64) { (self.life, self.version) = (life, version) }
    }

    /// One start of one actor.
    public struct Actor: Sendable {
        public var slots = 0
        /// The life of the learner in which its first rollout came.
        public var joined: UInt32 = 0
        /// By sequence number − 1, without a gap.
        public var acting: [Acting] = []
    }

    public private(set) var steps: [Step] = []
    public private(set) var actors: [LedgerState.Incarnation: Actor] = [:]

    /// - Parameter rolloutsPerUpdate: how many rollouts a refused update has taken.
    /// - Throws: `LedgerError`, `LedgerHistoryError`, or `FileError`.
    public init(_ path: String, rolloutsPerUpdate: Int) throws {
        var reader = try LedgerReader(path)
        var (number, life) = (0, UInt32(0))
        var batch: (step: Step, ids: [RolloutID])?
        func flush(_ history: inout LedgerHistory) {
            switch batch {
            case (.trained(let version, _), let ids)?: history.steps.append(.trained(version: version, ids))
            case (_, let ids)?: history.steps.append(.refused(ids))
            case nil: break
            }
            batch = nil
        }
        while let entry = try reader.next() {
            number += 1
            if case .void = entry { continue }
            guard case .record(let record) = entry else { throw LedgerError.damaged(path, record: number) }
            let id = RolloutID(actor: record.actor, incarnation: record.incarnation, sequence: record.sequence)
            let place = LedgerState.Incarnation(actor: record.actor, number: record.incarnation)
            switch record.kind {
            case .started:
                flush(&self)
                life = UInt32(clamping: record.sequence)
                guard life > 0 else { throw LedgerHistoryError(problem: "life \(record.incarnation) of the learner has no number", path: path) }
                steps.append(.began(life: life, version: record.version))
            case .joined:
                actors[place, default: Actor()].slots = Int(clamping: record.version)
                actors[place]!.joined = life
            case .acted:
                let known = actors[place]?.acting.count ?? 0
                guard record.sequence == UInt64(known) + 1, record.life < .max else {
                    let problem =
                        record.life == .max
                        ? "rollout \(id) was acted in a life whose number does not fit"
                        : "rollout \(id) follows rollout \(known) of its actor: what acted in between is not known"
                    throw LedgerHistoryError(problem: problem, path: path)
                }
                actors[place, default: Actor()].acting.append(Acting(life: UInt32(record.life), version: record.version))
            case .trained:
                if case .trained(let version, _)? = batch?.step, version == record.version {
                    batch!.ids.append(id)
                } else {
                    flush(&self)
                    batch = (.trained(version: record.version, []), [id])
                }
            case .failed where record.cause == LedgerRecord.refusedUpdate:
                if case .refused? = batch?.step, batch!.ids.count < rolloutsPerUpdate {
                    batch!.ids.append(id)
                } else {
                    flush(&self)
                    batch = (.refused([]), [id])
                }
            case .rewound: flush(&self)
            case .produced, .stale, .filtered, .failed, .cancelled, .lost: break
            }
        }
        flush(&self)
        guard !steps.isEmpty else { throw LedgerHistoryError(problem: "no life of a learner stands in it", path: path) }
    }

    /// What acted in a rollout.
    public subscript(id: RolloutID) -> Acting? {
        guard let actor = actors[LedgerState.Incarnation(actor: id.actor, number: id.incarnation)] else { return nil }
        return id.sequence >= 1 && id.sequence <= actor.acting.count ? actor.acting[Int(id.sequence) - 1] : nil
    }

    /// The newest version that was trained and not undone.
    public var newestVersion: UInt64 {
        steps.last.map { step in
            switch step {
            case .began(_, let version), .trained(let version, _): version
            case .refused: steps.lazy.reversed().compactMap(\.version).first ?? 0
            }
        } ?? 0
    }
}

extension LedgerHistory.Step {
    /// The learner's version after it; nil when it changes none.
    public var version: UInt64? {
        switch self {
        case .began(_, let version), .trained(let version, _): version
        case .refused: nil
        }
    }
}

/// A ledger from which the run's way cannot be told.
public struct LedgerHistoryError: Remediable, Equatable {
    public let problem: String
    let path: String
    public var place: String { path }
    public var remedy: String { "Only runs whose whole ledger was written by this version of Apus can be made again." }
}
