import Rollouts
import Tensors

/// The steps of a batch by the age of the policy that took them, in updates, so that a number can be reported for each age:
/// "effective_sample_size/lag_4-7". Only ages that occur are there.
package struct AgeBuckets {
    package static let names = ["0", "1", "2-3", "4-7", "8-15", "16+"]

    /// The bucket of each slot n.
    private let bucket: [Int]
    private let occurring: [Int]

    /// - Parameter version: the policy version before the update.
    init(_ batch: RolloutBatch, at version: UInt64) {
        var bucket = [Int](repeating: 0, count: batch.slots)
        for part in batch.parts {
            // A policy cannot be newer than the learner's; a record that says so is as good as new.
            let index = Self.index(age: version >= part.version ? version - part.version : 0)
            for n in part.slots { bucket[n] = index }
        }
        self.init(bucket)
    }

    private init(_ bucket: [Int]) {
        self.bucket = bucket
        occurring = Set(bucket).sorted()
    }

    /// Of some slots of the batch, in the order given.
    func slots(_ chosen: [Int]) -> AgeBuckets { AgeBuckets(chosen.map { bucket[$0] }) }

    /// 0, 1, 2–3, 4–7, 8–15, 16 and more: each as wide as all before it.
    package static func index(age: UInt64) -> Int { min(UInt64.bitWidth - age.leadingZeroBitCount, names.count - 1) }

    /// What `measure` says of each bucket's steps.
    /// - Parameters:
    ///   - x: one number per step, [T, N] or the rows given.
    ///   - rows: which steps t · N + n the numbers belong to; nil: all.
    func metrics(of x: Tensor, rows: [Int]? = nil, _ measure: (Tensor) -> [Metric]) -> [Metric] {
        if let rows { precondition(x.count == rows.count, "\(x.count) numbers of \(rows.count) steps") }
        if occurring.count == 1 { return measure(x).map { named($0, occurring[0]) } }
        var parts = [[Float]](repeating: [], count: Self.names.count)
        x.withBuffer { values in
            for (k, value) in values.enumerated() { parts[bucket[(rows?[k] ?? k) % bucket.count]].append(value) }
        }
        return occurring.filter { !parts[$0].isEmpty }.flatMap { index in
            measure(Tensor(parts[index], [parts[index].count])).map { named($0, index) }
        }
    }

    private func named(_ metric: Metric, _ index: Int) -> Metric { ("\(metric.name)/lag_\(Self.names[index])", metric.value) }
}
