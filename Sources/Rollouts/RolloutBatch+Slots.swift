import Tensors

extension RolloutBatch {
    /// Some slots n of it, in the order given, as a batch of their own. Everything is copied but the episodes' returns and lengths.
    public func slots(_ chosen: [Int]) -> RolloutBatch { RolloutBatch(self, slots: chosen) }

    private init(_ batch: RolloutBatch, slots chosen: [Int]) {
        precondition(!chosen.isEmpty && chosen.allSatisfy { $0 >= 0 && $0 < batch.slots }, "slots \(chosen) of \(batch.slots)")
        let rows = (0..<batch.steps).flatMap { t in chosen.map { t * batch.slots + $0 } }
        func some(_ x: Tensor) -> Tensor { x.reshaped([x.count]).picked(rows).reshaped([batch.steps, chosen.count]) }
        steps = batch.steps
        slots = chosen.count
        parts = chosen.enumerated().map { index, n in
            let part = batch.parts.first { $0.slots.contains(n) }!
            return Part(id: part.id, version: part.version, slots: index..<index + 1, source: part.source)
        }
        observation = batch.observation.picked(rows + chosen.map { batch.steps * batch.slots + $0 })
        action = batch.action.picked(rows, of: batch.frames)
        behaviourLogProb = some(batch.behaviourLogProb)
        reward = some(batch.reward)
        terminated = rows.map { batch.terminated[$0] }
        truncated = rows.map { batch.truncated[$0] }
        recurrentState = batch.recurrentState.picked(chosen)
        behaviourPolicy = batch.behaviourPolicy.picked(rows)
        // Where each slot of the whole went; each at most once.
        var place = [Int](repeating: -1, count: batch.slots)
        for (index, n) in chosen.enumerated() { place[n] = index }
        let ends = batch.finalIndex.indices.compactMap { k -> (row: Int, index: Int32)? in
            let (t, n) = Int(batch.finalIndex[k]).quotientAndRemainder(dividingBy: batch.slots)
            return place[n] < 0 ? nil : (k, Int32(t * chosen.count + place[n]))
        }.sorted { $0.index < $1.index }
        finalIndex = ends.map(\.index)
        finalObservation = batch.finalObservation.picked(ends.map(\.row))
        // Episodes are counted when they arrive, which a part of a batch has done as a part of the whole.
        episodeReturns = []
        episodeLengths = []
        weight = batch.weight.picked(chosen)
        keys = batch.keys.isEmpty ? [] : chosen.map { batch.keys[$0] }
        burnIn = batch.burnIn
    }
}
