import CKernels
import Platform
import Tensors

/// What a learner expects of every rollout it accepts.
public struct RolloutShape: Sendable, Hashable {
    public var observation: Space
    public var action: Space
    /// S: the numbers of a slot's recurrent state.
    public var stateCount: Int
    /// P: the numbers of a step's behaviour policy that are kept.
    public var policyCount: Int
    /// T of every rollout: a batch lays rollouts side by side.
    public var steps: Int
    /// B may not be larger.
    public var maximumSlots: Int
    /// Of rollouts of responses; the rest has no meaning then.
    public var responses: ResponseShape?

    public init(responses: ResponseShape) {
        self.init(observation: .discrete(1), action: .discrete(1), steps: 1, maximumSlots: 1)
        self.responses = responses
    }

    public init(observation: Space, action: Space, stateCount: Int = 0, policyCount: Int = 0, steps: Int, maximumSlots: Int) {
        self.observation = observation
        self.action = action
        self.stateCount = stateCount
        self.policyCount = policyCount
        self.steps = steps
        self.maximumSlots = maximumSlots
    }
}

extension Rollout {
    /// Checks everything that the learner relies on. A rollout comes from another process and is not trusted: after this, no index in it is
    /// out of range, no float is infinite or NaN, and the flags and the ended episodes tell the same story.
    public func validate(_ expected: RolloutShape) throws(RolloutError) {
        guard (responses == nil) == (expected.responses == nil) else {
            throw RolloutError(
                id, "body", responses == nil ? "steps in place of responses" : "responses in place of steps",
                remedy: "Actor and learner must run one environment.")
        }
        if let responses, let shape = expected.responses {
            try responses.validate(shape, id, version: version)
            let drawn = groups.reduce(0) { $0 + $1.drawnTokens }
            guard steps == max(drawn, 1), slots == 1 else {
                throw RolloutError(id, "steps", "\(steps) steps for \(drawn) drawn tokens", remedy: "The actor must count the tokens that its policy drew.")
            }
            return
        }
        try checkShapes(expected)
        for column in [observation, action, behaviourLogProb, reward, finalObservation, episodeReturn, recurrentState, behaviourPolicy] {
            try checkFinite(column)
        }
        try checkActions(expected.action)
        if case .box = expected.action {} else { try checkLogProbs() }
        try checkEnds()
    }

    func checkShapes(_ expected: RolloutShape) throws(RolloutError) {
        let agree = "Actor and learner must be of one version and run one environment."
        guard steps == expected.steps else {
            throw RolloutError(id, "steps", "\(steps) steps in place of \(expected.steps)", remedy: agree)
        }
        guard (1...expected.maximumSlots).contains(slots) else {
            throw RolloutError(id, "slots", "\(slots) slots, allowed are 1 to \(expected.maximumSlots)", remedy: agree)
        }
        let ended = finalIndex.shape.first ?? -1
        guard ended <= frames else {
            throw RolloutError(id, finalIndex.name, "\(ended) ended episodes in \(frames) steps", remedy: agree)
        }
        let frame = [steps, slots]
        let (seen, acted) = (expected.observation, expected.action)
        let columns: [(Column, ElementType, [Int])] = [
            (observation, seen.elementType, [steps + 1, slots] + seen.shape), (action, acted.elementType, frame + acted.shape),
            (behaviourLogProb, .float32, frame), (reward, .float32, frame), (terminated, .uint8, frame), (truncated, .uint8, frame),
            (finalIndex, .int32, [ended]), (finalObservation, seen.elementType, [ended] + seen.shape),
            (episodeReturn, .float32, [ended]), (episodeLength, .int32, [ended]), (recurrentState, .float32, [slots, expected.stateCount]),
            (behaviourPolicy, .float32, frame + [expected.policyCount]),
        ]
        for (column, type, shape) in columns where column.type != type || column.shape != shape {
            throw RolloutError(
                id, column.name, "\(column.type) \(column.shape) in place of \(type) \(shape)", remedy: agree)
        }
    }

    private func checkFinite(_ column: Column) throws(RolloutError) {
        guard column.type == .float32 else { return }
        guard !column.isFinite, let index = column.firstIndex(of: Float.self, where: { !$0.isFinite }) else { return }
        throw RolloutError(
            id, column.name, "element \(index) is \(column.element(index, Float.self))",
            remedy: "Look for the environment or the policy that made it: training on it would destroy the weights.", isNonFinite: true)
    }

    private func checkActions(_ space: Space) throws(RolloutError) {
        switch space {
        case .discrete(let count): try checkActions(counts: [count])
        case .multiDiscrete(let counts): try checkActions(counts: counts)
        case .box: break
        case .bytes: break
        }
    }

    /// The actions stand `counts.count` to a slot; the k-th of them is one of 0 ..< counts[k].
    private func checkActions(counts: [Int]) throws(RolloutError) {
        let limit = UInt32(counts.max() ?? 0)
        var bad = action.firstIndex(of: Int32.self) { UInt32(bitPattern: $0) >= limit }
        if counts.count > 1 {
            bad = (0..<action.elementCount).first { UInt32(bitPattern: action.element($0, Int32.self)) >= counts[$0 % counts.count] }
        }
        guard let index = bad else { return }
        throw RolloutError(
            id, action.name, "element \(index) is \(action.element(index, Int32.self)), the space is 0 ..< \(counts[index % counts.count])",
            remedy: "Actor and learner must run one environment.")
    }

    private func checkLogProbs() throws(RolloutError) {
        // A probability is at most 1; what lies above is more than the rounding of a softmax.
        guard let index = behaviourLogProb.firstIndex(of: Float.self, where: { $0 > 1e-3 }) else { return }
        throw RolloutError(
            id, behaviourLogProb.name,
            "element \(index) is \(behaviourLogProb.element(index, Float.self)), the logarithm of a probability above 1",
            remedy: "The actor must send log-probabilities, not logits.")
    }

    private func checkEnds() throws(RolloutError) {
        let remedy = "The actor must report each ended episode once, in the order of steps and slots."
        for flags in [terminated, truncated] {
            if let index = flags.firstIndex(of: UInt8.self, where: { $0 > 1 }) {
                throw RolloutError(
                    id, flags.name, "element \(index) is \(flags.element(index, UInt8.self)), a flag is 0 or 1", remedy: remedy)
            }
        }
        var flagged = 0
        var index = 0
        while index < frames {
            // Most steps end nothing: eight at a time.
            if index + 8 <= frames, terminated.word(index) | truncated.word(index) == 0 {
                index += 8
                continue
            }
            defer { index += 1 }
            let (ended, cut) = (terminated.element(index, UInt8.self), truncated.element(index, UInt8.self))
            guard ended & cut == 0 else {
                throw RolloutError(
                    id, truncated.name, "element \(index) is 1 where terminated is 1 too", remedy: "A step ends an episode in one way.")
            }
            guard ended | cut == 1 else { continue }
            let named = flagged < finalIndex.elementCount ? finalIndex.element(flagged, Int32.self) : nil
            guard named == Int32(index) else {
                throw RolloutError(
                    id, finalIndex.name,
                    "element \(flagged) is \(named.map(String.init) ?? "missing"), the next flagged step is \(index)", remedy: remedy)
            }
            flagged += 1
        }
        guard flagged == finalIndex.elementCount else {
            throw RolloutError(
                id, finalIndex.name, "element \(flagged) is \(finalIndex.element(flagged, Int32.self)), but no further step is flagged",
                remedy: remedy)
        }
        if let index = episodeLength.firstIndex(of: Int32.self, where: { $0 < 1 }) {
            throw RolloutError(
                id, episodeLength.name, "element \(index) is \(episodeLength.element(index, Int32.self)), an episode has at least one step",
                remedy: remedy)
        }
    }
}

extension Column {
    /// Whether all floats are known to be finite: the fast answer for what is aligned, and that is nearly everything.
    fileprivate var isFinite: Bool {
        UInt(bitPattern: bytes.pointer) % 4 == 0 && apus_all_finite(bytes.pointer.assumingMemoryBound(to: Float.self), elementCount) != 0
    }

    /// One element; alignment does not matter.
    func element<Element: BitwiseCopyable>(_ index: Int, _ type: Element.Type) -> Element {
        bytes.pointer.loadUnaligned(fromByteOffset: index * MemoryLayout<Element>.stride, as: type)
    }

    /// Eight flags.
    fileprivate func word(_ index: Int) -> UInt64 { bytes.pointer.loadUnaligned(fromByteOffset: index, as: UInt64.self) }

    /// The first element that satisfies `condition`. Good data, the usual case, is passed over in blocks without a branch per element.
    @inline(__always)
    func firstIndex<Element: BitwiseCopyable>(of type: Element.Type, where condition: (Element) -> Bool) -> Int? {
        let (count, base) = (elementCount, bytes.pointer)
        let stride = MemoryLayout<Element>.stride
        var start = 0
        while start < count {
            let end = min(start + 256, count)
            var any = false
            for index in start..<end { any = condition(base.loadUnaligned(fromByteOffset: index * stride, as: type)) || any }
            if any { return (start..<end).first { condition(element($0, type)) } }
            start = end
        }
        return nil
    }
}
