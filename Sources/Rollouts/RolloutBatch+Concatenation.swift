import Glibc
import Tensors

extension RolloutBatch {
    /// Batches of one length side by side: a mixture of live rollouts with sequences from a replay or a dataset.
    ///
    /// - Throws: `RolloutError` that names the first part of a batch whose steps, burn-in or columns differ from the first batch's.
    public init(concatenating batches: [RolloutBatch]) throws(RolloutError) {
        precondition(!batches.isEmpty, "a mixture needs at least one batch")
        let first = batches[0]
        for batch in batches { try batch.checkFits(first) }
        let starts = batches.reduce(into: [0]) { $0.append($0.last! + $1.slots) }
        let (steps, slots) = (first.steps, starts.last!)

        /// One column of every batch, of `size` bytes per slot, into rows of N slots.
        func gather(_ target: UnsafeMutableRawPointer, size: Int, _ bytes: (RolloutBatch, (UnsafeRawBufferPointer) -> Void) -> Void) {
            for (batch, start) in zip(batches, starts) {
                let run = batch.slots * size
                bytes(batch) { source in
                    guard run > 0 else { return }
                    for t in 0..<source.count / run {
                        memcpy(target + (t * slots + start) * size, source.baseAddress! + t * run, run)
                    }
                }
            }
        }
        func tensor(_ column: KeyPath<RolloutBatch, Tensor>, _ shape: [Int], width: Int = 1) -> Tensor {
            Tensor(shape) { target in
                gather(UnsafeMutableRawPointer(target.baseAddress!), size: 4 * width) { batch, copy in
                    batch[keyPath: column].withBuffer { copy(UnsafeRawBufferPointer($0)) }
                }
            }
        }
        func flags(_ column: KeyPath<RolloutBatch, [UInt8]>) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: steps * slots) { target, count in
                gather(UnsafeMutableRawPointer(target.baseAddress!), size: 1) { batch, copy in batch[keyPath: column].withUnsafeBytes(copy) }
                count = steps * slots
            }
        }
        let space = first.observation.space
        let observation = Observations(count: (steps + 1) * slots, space) { target in
            gather(target, size: space.byteCount) { batch, copy in batch.observation.withBytes(copy) }
        }
        let action: Actions
        switch first.action {
        case .choices(let choices):
            let width = choices.count / first.frames
            action = .choices(
                [Int32](unsafeUninitializedCapacity: steps * slots * width) { target, count in
                    gather(UnsafeMutableRawPointer(target.baseAddress!), size: 4 * width) { batch, copy in
                        if case .choices(let choices) = batch.action { choices.withUnsafeBytes(copy) }
                    }
                    count = steps * slots * width
                })
        case .vectors(let vectors):
            let width = vectors.count / first.frames
            action = .vectors(
                Tensor([steps * slots, width]) { target in
                    gather(UnsafeMutableRawPointer(target.baseAddress!), size: 4 * width) { batch, copy in
                        if case .vectors(let vectors) = batch.action { vectors.withBuffer { copy(UnsafeRawBufferPointer($0)) } }
                    }
                })
        }

        // Final observations in the order of the whole batch.
        var ends: [(index: Int32, batch: Int, row: Int)] = []
        for (number, batch) in batches.enumerated() {
            for (row, index) in batch.finalIndex.enumerated() {
                let (t, slot) = Int(index).quotientAndRemainder(dividingBy: batch.slots)
                ends.append((Int32(t * slots + starts[number] + slot), number, row))
            }
        }
        ends.sort { $0.index < $1.index }
        let finalObservation = Observations(count: ends.count, space) { target in
            for (k, end) in ends.enumerated() {
                batches[end.batch].finalObservation.withBytes {
                    _ = memcpy(target + k * space.byteCount, $0.baseAddress! + end.row * space.byteCount, space.byteCount)
                }
            }
        }
        let (stateCount, policyCount) = (first.recurrentState.shape[1], first.behaviourPolicy.shape[1])
        self.init(
            steps: steps, slots: slots,
            parts: zip(batches, starts).flatMap { batch, start in
                batch.parts.map {
                    Part(
                        id: $0.id, version: $0.version, slots: $0.slots.lowerBound + start..<$0.slots.upperBound + start, source: $0.source)
                }
            },
            observation: observation, action: action, behaviourLogProb: tensor(\.behaviourLogProb, [steps, slots]),
            reward: tensor(\.reward, [steps, slots]), terminated: flags(\.terminated), truncated: flags(\.truncated),
            finalIndex: ends.map(\.index), finalObservation: finalObservation, episodeReturns: batches.flatMap(\.episodeReturns),
            episodeLengths: batches.flatMap(\.episodeLengths),
            recurrentState: stateCount == 0 ? Tensor(zeros: [slots, 0]) : tensor(\.recurrentState, [slots, stateCount], width: stateCount),
            behaviourPolicy: policyCount == 0
                ? Tensor(zeros: [steps * slots, 0]) : tensor(\.behaviourPolicy, [steps * slots, policyCount], width: policyCount),
            weight: tensor(\.weight, [slots]),
            keys: batches.allSatisfy(\.keys.isEmpty)
                ? [] : batches.flatMap { $0.keys.isEmpty ? Array(repeating: 0, count: $0.slots) : $0.keys },
            burnIn: first.burnIn)
    }

    package init(
        steps: Int, slots: Int, parts: [Part], observation: Observations, action: Actions, behaviourLogProb: Tensor, reward: Tensor,
        terminated: [UInt8], truncated: [UInt8], finalIndex: [Int32], finalObservation: Observations, episodeReturns: [Float],
        episodeLengths: [Int32], recurrentState: Tensor, behaviourPolicy: Tensor,
        weight: Tensor, keys: [UInt64], burnIn: Int
    ) {
        self.steps = steps
        self.slots = slots
        self.parts = parts
        self.observation = observation
        self.action = action
        self.behaviourLogProb = behaviourLogProb
        self.reward = reward
        self.terminated = terminated
        self.truncated = truncated
        self.finalIndex = finalIndex
        self.finalObservation = finalObservation
        self.episodeReturns = episodeReturns
        self.episodeLengths = episodeLengths
        self.recurrentState = recurrentState
        self.behaviourPolicy = behaviourPolicy
        self.weight = weight
        self.keys = keys
        self.burnIn = burnIn
    }

    /// What an action is made of: a count of choices, or of floats as a negative number.
    private var actionKind: Int {
        switch action {
        case .choices(let choices): choices.count / frames
        case .vectors(let vectors): -vectors.count / frames
        }
    }

    private func checkFits(_ first: RolloutBatch) throws(RolloutError) {
        func check<Value: Equatable>(_ name: String, _ value: KeyPath<RolloutBatch, Value>) throws(RolloutError) {
            guard self[keyPath: value] != first[keyPath: value] else { return }
            throw RolloutError(
                parts[0].id, name, "\(self[keyPath: value]) beside \(first[keyPath: value])",
                remedy: "What is mixed must have one length and one kind of observation, action and recurrent state.")
        }
        try check("steps", \.steps)
        try check("burnIn", \.burnIn)
        try check("observation", \.observation.space)
        try check("action", \.actionKind)
        try check("recurrentState", \.recurrentState.shape[1])
        try check("behaviourPolicy", \.behaviourPolicy.shape[1])
    }
}
