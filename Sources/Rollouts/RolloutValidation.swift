import CKernels
import Platform
import Tensors

/// What a learner expects of every rollout it accepts.
public struct RolloutShape: Sendable, Hashable {
    /// The shape of one observation.
    public var observationShape: [Int]
    public var observationType: ElementType
    /// Actions are 0 ..< actionCount.
    public var actionCount: Int
    /// T of every rollout: a batch lays rollouts side by side.
    public var steps: Int
    /// B may not be larger.
    public var maximumSlots: Int

    public init(
        observationShape: [Int], observationType: ElementType = .float32, actionCount: Int, steps: Int, maximumSlots: Int
    ) {
        self.observationShape = observationShape
        self.observationType = observationType
        self.actionCount = actionCount
        self.steps = steps
        self.maximumSlots = maximumSlots
    }
}

extension Rollout {
    /// Checks everything that the learner relies on. A rollout comes from another process and is not trusted: after this, no index in it is
    /// out of range, no float is infinite or NaN, and the flags and the ended episodes tell the same story.
    public func validate(_ expected: RolloutShape) throws(RolloutError) {
        try checkShapes(expected)
        for column in [observation, behaviourLogProb, reward, finalObservation, episodeReturn] { try checkFinite(column) }
        try checkActions(expected.actionCount)
        try checkLogProbs()
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
        let columns: [(Column, ElementType, [Int])] = [
            (observation, expected.observationType, [steps + 1, slots] + expected.observationShape), (action, .int32, frame),
            (behaviourLogProb, .float32, frame), (reward, .float32, frame), (terminated, .uint8, frame), (truncated, .uint8, frame),
            (finalIndex, .int32, [ended]), (finalObservation, expected.observationType, [ended] + expected.observationShape),
            (episodeReturn, .float32, [ended]), (episodeLength, .int32, [ended]),
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

    private func checkActions(_ count: Int) throws(RolloutError) {
        let limit = UInt32(count)
        guard let index = action.firstIndex(of: Int32.self, where: { UInt32(bitPattern: $0) >= limit }) else { return }
        throw RolloutError(
            id, action.name, "element \(index) is \(action.element(index, Int32.self)), the space is 0 ..< \(count)",
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
