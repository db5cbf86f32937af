import Platform
import Rollouts
import Tensors

/// The latest correct responses to each task, as they were drawn: a group in which nobody succeeds gets one of them back (ARPO, S139).
///
/// A kept response has its own log-probabilities and versions: ratios correct for its age as for any other's, and its age has a bound of its
/// own (`GroupPlan.replayedLag`). It comes back as a response of the source `.replay`, and no rate or record of a task counts it again.
/// Part of every checkpoint.
package struct KeptSuccesses {
    /// Of each task.
    private let capacity: Int
    private let mostLag: UInt64
    /// Groups of one, the latest last.
    private var kept: [UInt32: [ResponseGroup]] = [:]

    package init(_ plan: GroupPlan) { (capacity, mostLag) = (plan.replayedSuccesses, UInt64(plan.replayedLag)) }

    package var count: Int { kept.values.reduce(0) { $0 + $1.count } }

    /// Adds what was drawn and trained on, once.
    package mutating func keep(_ groups: [ResponseGroup], version: UInt64) {
        guard capacity > 0 else { return }
        for group in groups {
            let correct = group.responses.filter { $0.isFresh && $0.isCorrect && $0.firstVersion != nil }
            guard !correct.isEmpty else { continue }
            let own = (kept[group.task] ?? []) + correct.map { response in
                var one = group
                one.responses = [response]
                return one
            }
            kept[group.task] = Array(own.filter { $0.lag(version) <= mostLag }.suffix(capacity))
        }
    }

    /// Puts one into each group that has none, in the place of its first judged response.
    ///
    /// - Returns: the ages of those that came back, in updates.
    package func giveBack(into groups: inout [ResponseGroup], seed: UInt64, version: UInt64) -> [UInt64] {
        guard !kept.isEmpty else { return [] }
        var lags: [UInt64] = []
        for (number, group) in groups.enumerated() {
            guard let place = group.responses.firstIndex(where: \.isFresh), !group.responses.contains(where: { $0.isCorrect && !$0.isBaseline }) else {
                continue
            }
            // The number is of another task after a resume with other options of the environment.
            let fitting = (kept[group.task] ?? []).filter {
                $0.lag(version) <= mostLag && $0.prompt == group.prompt && $0.trainingPrompt == group.trainingPrompt
            }
            guard !fitting.isEmpty else { continue }
            var stream = RandomKey(seed: seed, purpose: .replay).stream(slot: UInt32(number + 1), episode: version)
            let chosen = fitting[Int(stream.next() % UInt64(fitting.count))]
            groups[number].responses[place] = chosen.responses[0]
            groups[number].responses[place].source = .replay
            lags.append(chosen.lag(version))
        }
        return lags
    }

    private static let prefix = "replayed."

    /// As named columns; nothing where nothing is kept.
    package func columns(version: UInt64) -> [Column] {
        let all = kept.keys.sorted().flatMap { kept[$0]! }.filter { $0.lag(version) <= mostLag }
        return all.isEmpty ? [] : ResponseBlock(all, version: version).columns(named: Self.prefix)
    }

    package mutating func restore(_ columns: [Column], version: UInt64) throws(TrainingStateError) {
        kept = [:]
        guard let block = try ResponseBlock(columns: columns, named: Self.prefix, what: "the kept successes", version: version) else { return }
        keep(block.decoded(version: version), version: version)
    }
}

extension GroupResponse {
    /// The oldest version that drew one of its tokens.
    fileprivate var firstVersion: UInt64? { zip(versions, roles).filter { $1 == .policy || $1 == .control }.map(\.0).min() }
}

extension ResponseGroup {
    /// Whether its draws begin with what nobody drew.
    var isHinted: Bool { responses.contains { $0.source == .live && $0.roles.first == .forced } }
    /// Of its first response's oldest token, in updates.
    fileprivate func lag(_ version: UInt64) -> UInt64 { version - min(responses[0].firstVersion ?? version, version) }
}
