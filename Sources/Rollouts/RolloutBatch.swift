import Glibc
import Platform
import Tensors

/// What a learner trains on: several rollouts of one length side by side, time-major. N is the sum of their slots; a step of a slot
/// is `t * N + n`.
public struct RolloutBatch {
    /// One rollout's place in the batch.
    public struct Part: Sendable, Hashable {
        public let id: RolloutID
        /// The policy version that acted.
        public let version: UInt64
        /// Its slots n.
        public let slots: Range<Int>
    }

    /// T
    public let steps: Int
    /// N
    public let slots: Int
    public let parts: [Part]
    /// [T + 1, N] + observation shape; row T is where the rollouts were cut.
    public let observation: Tensor
    /// T · N actions
    public let action: [Int32]
    /// [T, N]: log μ(a | o)
    public let behaviourLogProb: Tensor
    /// [T, N]
    public let reward: Tensor
    /// T · N flags
    public let terminated: [UInt8]
    /// T · N flags
    public let truncated: [UInt8]
    /// K indices of the steps that ended an episode, ascending.
    public let finalIndex: [Int32]
    /// [K] + observation shape
    public let finalObservation: Tensor
    /// K undiscounted returns
    public let episodeReturns: [Float]
    /// K lengths in steps
    public let episodeLengths: [Int32]

    public var frames: Int { steps * slots }
    /// The policy version of each rollout.
    public var version: [UInt64] { parts.map(\.version) }

    /// Lays rollouts side by side, one copy each. They are expected to be validated; differing lengths or observations are refused, naming
    /// the rollout.
    public init(_ rollouts: [Rollout]) throws(RolloutError) {
        precondition(!rollouts.isEmpty, "a batch needs at least one rollout")
        let first = rollouts[0]
        let observationShape = first.observationShape
        for rollout in rollouts { try rollout.checkFits(steps: first.steps, observationShape: observationShape) }

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
        let width = observationShape.reduce(4, *)
        observation = tensor(\.observation, [steps + 1, slots] + observationShape, size: width)
        action = array(\.action, Int32.self)
        behaviourLogProb = tensor(\.behaviourLogProb, [steps, slots], size: 4)
        reward = tensor(\.reward, [steps, slots], size: 4)
        terminated = array(\.terminated, UInt8.self)
        truncated = array(\.truncated, UInt8.self)

        let ends = Self.ends(of: rollouts, parts, slots: slots)
        finalIndex = ends.map(\.index)
        episodeReturns = ends.map { rollouts[$0.rollout].episodeReturn.element($0.row, Float.self) }
        episodeLengths = ends.map { rollouts[$0.rollout].episodeLength.element($0.row, Int32.self) }
        finalObservation = Tensor([ends.count] + observationShape) { buffer in
            for (k, end) in ends.enumerated() {
                memcpy(
                    UnsafeMutableRawPointer(buffer.baseAddress!) + k * width,
                    rollouts[end.rollout].finalObservation.bytes.pointer + end.row * width, width)
            }
        }
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
    fileprivate func checkFits(steps expected: Int, observationShape: [Int]) throws(RolloutError) {
        guard steps == expected else {
            throw RolloutError(
                id, "steps", "\(steps) steps in a batch of rollouts of \(expected)", remedy: "Give every actor the same actors.unroll.")
        }
        try checkShapes(RolloutShape(observationShape: observationShape, actionCount: .max, steps: steps, maximumSlots: slots))
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
