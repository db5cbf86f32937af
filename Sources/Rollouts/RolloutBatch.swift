import Glibc
import Platform
import Tensors

/// What a learner trains on: several rollouts of one length side by side, time-major. N is the sum of their slots; a step of a slot
/// is `t * N + n`.
///
/// The sequences may be live rollouts, drawn from a replay, read from a dataset, or a mixture of these (`init(concatenating:)`).
public struct RolloutBatch {
    /// One rollout's place in the batch. What comes from a replay stands there as parts of one slot each: every sequence has a version of
    /// its own.
    public struct Part: Sendable, Hashable {
        /// The rollout; of a sequence made of two that follow one another, the later one.
        public let id: RolloutID
        /// The policy version that acted.
        public let version: UInt64
        /// Its slots n.
        public let slots: Range<Int>
        public let source: DataSource

        public init(id: RolloutID, version: UInt64, slots: Range<Int>, source: DataSource = .live) {
            self.id = id
            self.version = version
            self.slots = slots
            self.source = source
        }
    }

    /// T
    public let steps: Int
    /// N
    public let slots: Int
    public let parts: [Part]
    /// (T + 1) · N rows; the last N are where the rollouts were cut.
    public let observation: Observations
    /// T · N actions
    public let action: Actions
    /// [T, N]: log μ(a | o)
    public let behaviourLogProb: Tensor
    /// [T, N]: as the environment gave it, until the learner scales it.
    public var reward: Tensor
    /// T · N flags
    public let terminated: [UInt8]
    /// T · N flags
    public let truncated: [UInt8]
    /// K indices of steps that ended an episode, ascending: of live slots every one, of all others those that were truncated. A
    /// terminated step's successor is worth 0, so a replay does not keep its final observation.
    public let finalIndex: [Int32]
    /// K rows
    public let finalObservation: Observations
    /// The undiscounted return of each episode that ended in a live slot. Those of a replay were counted when they were live.
    public let episodeReturns: [Float]
    /// The length in steps of each episode that ended in a live slot.
    public let episodeLengths: [Int32]
    /// [N, S]: with which each slot entered its first step.
    public let recurrentState: Tensor
    /// [T · N, P]: what the behaviour policy said of each step, as the numbers that describe its distribution; P is 0 unless the method asks
    /// for them.
    public let behaviourPolicy: Tensor
    /// [N]: by how much each slot's loss counts. 1 for live rollouts and under uniform sampling; else the importance weights of
    /// prioritised sampling, of which the largest is 1.
    public let weight: Tensor
    /// N keys by which a replay knows each slot's sequence, 0 for slots that come from no replay; empty when none does.
    public let keys: [UInt64]
    /// The first steps of every slot that only refresh the recurrent state and get no loss: 0 without burn-in.
    public let burnIn: Int

    public var frames: Int { steps * slots }
    /// The policy version of each rollout.
    public var version: [UInt64] { parts.map(\.version) }

    /// Lays rollouts side by side, one copy each. They are expected to be validated; differing lengths or columns are refused, naming the
    /// rollout.
    ///
    /// - Parameter observationSpace: what the environment's observations are.
    public init(_ rollouts: [Rollout], observationSpace space: Space) throws(RolloutError) {
        precondition(!rollouts.isEmpty, "a batch needs at least one rollout")
        let first = rollouts[0]
        for rollout in rollouts { try rollout.checkFits(first, observationSpace: space) }

        let steps = first.steps
        var parts: [Part] = []
        for rollout in rollouts {
            let start = parts.last?.slots.upperBound ?? 0
            parts.append(Part(id: rollout.id, version: rollout.version, slots: start..<start + rollout.slots))
        }
        let slots = parts.last!.slots.upperBound
        self.steps = steps
        self.slots = slots
        self.parts = parts

        /// One column of every rollout into `target`, whose rows are N elements of `size` bytes.
        func gather(_ column: KeyPath<Rollout, Column>, size: Int, into target: UnsafeMutableRawPointer) {
            for (rollout, part) in zip(rollouts, parts) {
                let source = rollout[keyPath: column].bytes
                let run = rollout.slots * size
                for t in 0..<source.count / run {
                    memcpy(target + (t * slots + part.slots.lowerBound) * size, source.pointer + t * run, run)
                }
            }
        }
        func tensor(_ column: KeyPath<Rollout, Column>, _ shape: [Int], size: Int) -> Tensor {
            Tensor(shape) { gather(column, size: size, into: UnsafeMutableRawPointer($0.baseAddress!)) }
        }
        func array<Element>(_ column: KeyPath<Rollout, Column>, _: Element.Type) -> [Element] {
            [Element](unsafeUninitializedCapacity: steps * slots) { buffer, count in
                gather(column, size: MemoryLayout<Element>.stride, into: UnsafeMutableRawPointer(buffer.baseAddress!))
                count = steps * slots
            }
        }
        let width = space.byteCount
        observation = Observations(count: (steps + 1) * slots, space) { gather(\.observation, size: width, into: $0) }
        let actionCount = first.action.elementCount / first.frames
        switch first.action.type {
        case .float32: action = .vectors(tensor(\.action, [steps * slots, actionCount], size: actionCount * 4))
        case .int32, .uint8:
            action = .choices(
                [Int32](unsafeUninitializedCapacity: steps * slots * actionCount) { buffer, count in
                    gather(\.action, size: actionCount * 4, into: UnsafeMutableRawPointer(buffer.baseAddress!))
                    count = steps * slots * actionCount
                })
        }
        behaviourLogProb = tensor(\.behaviourLogProb, [steps, slots], size: 4)
        reward = tensor(\.reward, [steps, slots], size: 4)
        terminated = array(\.terminated, UInt8.self)
        truncated = array(\.truncated, UInt8.self)

        let ends = Self.ends(of: rollouts, parts, slots: slots)
        finalIndex = ends.map(\.index)
        episodeReturns = ends.map { rollouts[$0.rollout].episodeReturn.element($0.row, Float.self) }
        episodeLengths = ends.map { rollouts[$0.rollout].episodeLength.element($0.row, Int32.self) }
        finalObservation = Observations(count: ends.count, space) { target in
            for (k, end) in ends.enumerated() {
                memcpy(target + k * width, rollouts[end.rollout].finalObservation.bytes.pointer + end.row * width, width)
            }
        }
        let policyCount = first.behaviourPolicy.shape[2]
        behaviourPolicy =
            policyCount == 0
            ? Tensor(zeros: [steps * slots, 0]) : tensor(\.behaviourPolicy, [steps * slots, policyCount], size: policyCount * 4)
        // One row per slot and no time: a rollout's rows stand together.
        let stateCount = first.recurrentState.shape[1]
        recurrentState = Tensor([slots, stateCount]) { target in
            guard stateCount > 0 else { return }
            for (rollout, part) in zip(rollouts, parts) {
                memcpy(
                    target.baseAddress! + part.slots.lowerBound * stateCount, rollout.recurrentState.bytes.pointer,
                    rollout.slots * stateCount * 4)
            }
        }
        weight = Tensor([slots]) { $0.update(repeating: 1) }
        keys = []
        burnIn = 0
    }

    /// An episode that ended: where in the batch, and which row of which rollout tells of it.
    private struct End {
        let index: Int32
        let rollout: Int
        let row: Int
    }

    /// The ended episodes of all rollouts in the order of the batch.
    private static func ends(of rollouts: [Rollout], _ parts: [Part], slots: Int) -> [End] {
        var ends: [End] = []
        for (number, rollout) in rollouts.enumerated() {
            for row in 0..<rollout.finalIndex.elementCount {
                let (t, slot) = Int(rollout.finalIndex.element(row, Int32.self)).quotientAndRemainder(dividingBy: rollout.slots)
                ends.append(End(index: Int32(t * slots + parts[number].slots.lowerBound + slot), rollout: number, row: row))
            }
        }
        return ends.sorted { $0.index < $1.index }
    }
}

extension Rollout {
    /// Whether copying by these sizes stays inside the columns; everything else is `validate`'s business.
    fileprivate func checkFits(_ first: Rollout, observationSpace: Space) throws(RolloutError) {
        guard steps == first.steps else {
            throw RolloutError(
                id, "steps", "\(steps) steps in a batch of rollouts of \(first.steps)", remedy: "Give every actor the same actors.unroll.")
        }
        let actionShape = Array(first.action.shape.dropFirst(2))
        let action: Space =
            first.action.type == .float32
            ? .box(shape: actionShape)
            : actionShape.isEmpty ? .discrete(.max) : .multiDiscrete(Array(repeating: .max, count: actionShape.reduce(1, *)))
        try checkShapes(
            RolloutShape(
                observation: observationSpace, action: action, stateCount: first.recurrentState.shape.last ?? 0,
                policyCount: first.behaviourPolicy.shape.last ?? 0, steps: steps,
                maximumSlots: max(slots, 1)))
        for row in 0..<finalIndex.elementCount {
            let index = finalIndex.element(row, Int32.self)
            guard index >= 0 && index < frames else {
                throw RolloutError(
                    id, finalIndex.name, "element \(row) is \(index) of \(frames) steps",
                    remedy: "Validate rollouts before they are batched.")
            }
        }
    }
}
