import Runs

/// What a ledger's records mean, in the plainest way: every rollout with its own state, every trained event remembered.
struct LedgerModel {
    struct ID: Hashable {
        var actor: UInt32
        var incarnation: UInt32
        var sequence: UInt64
    }
    var ends: [ID: LedgerRecord.Kind] = [:]
    var rewound: Set<ID> = []
    var trained: [(id: ID, version: UInt64)] = []
    var produced: [LedgerState.Incarnation: UInt64] = [:]
    var version: UInt64 = 0

    /// False when the record contradicts those before it.
    mutating func apply(_ record: LedgerRecord) -> Bool {
        switch record.kind {
        case .started: return true
        case .rewound:
            for event in trained where event.version > record.version {
                ends[event.id] = nil
                rewound.insert(event.id)
            }
            trained.removeAll { $0.version > record.version }
            version = min(version, record.version)
            return true
        default: break
        }
        let key = LedgerState.Incarnation(actor: record.actor, number: record.incarnation)
        let first = record.kind.coversRange ? record.version : record.sequence
        guard first >= 1, first <= record.sequence else { return false }
        if record.kind == .trained, record.version < version { return false }
        produced[key, default: 0] = max(produced[key] ?? 0, record.sequence)
        guard record.kind != .produced else { return true }
        for sequence in first ... record.sequence {
            let id = ID(actor: record.actor, incarnation: record.incarnation, sequence: sequence)
            if record.kind.coversRange {
                if ends[id] == nil, !rewound.contains(id) { ends[id] = record.kind }
            } else {
                guard ends[id] == nil else { return false }
                rewound.remove(id)
                ends[id] = record.kind
                if record.kind == .trained {
                    trained.append((id, record.version))
                    version = record.version
                }
            }
        }
        return true
    }

    func agrees(with state: LedgerState) -> Bool {
        func count(_ kind: LedgerRecord.Kind) -> UInt64 { UInt64(ends.values.count { $0 == kind }) }
        let totals = state.totals
        let open = produced.reduce(UInt64(0)) { sum, entry in
            sum + UInt64((0 ..< entry.value).count { isOpen(ID(actor: entry.key.actor, incarnation: entry.key.number, sequence: $0 + 1)) })
        }
        guard state.version == version, state.open == open, state.produced == produced.values.reduce(0, +),
            state.incarnations.mapValues(\.produced) == produced, totals.rewound == UInt64(rewound.count),
            totals.trained == count(.trained),
            totals.stale == count(.stale), totals.filtered == count(.filtered), totals.failed == count(.failed),
            totals.cancelled == count(.cancelled), totals.lost == count(.lost)
        else { return false }
        for (key, highest) in produced {
            for sequence in 1 ... highest + 1 {
                let terminal = ends[ID(actor: key.actor, incarnation: key.number, sequence: sequence)] != nil
                guard state.isTerminal(actor: key.actor, incarnation: key.number, sequence: sequence) == terminal else { return false }
            }
        }
        return true
    }

    private func isOpen(_ id: ID) -> Bool { ends[id] == nil && !rewound.contains(id) }
}
