import Networks
import Tensors

/// Everything an objective may look at, for every step it is computed over. Each tensor has one value per step: [T, N] for whole sequences,
/// [n] for steps that were shuffled into a minibatch.
public struct PolicyStep {
    /// log π(a | o), with gradient.
    public let logProb: Tensor
    /// The entropy of π(· | o) in nats, with gradient.
    public let entropy: Tensor
    /// V(o), with gradient.
    public let value: Tensor
    /// What the network says of each step, with gradient, and how actions are drawn from it; nil where only numbers were given.
    public let policy: PolicyOutput?
    public let distribution: ActionDistribution?

    // Constants:

    public let advantage: Tensor
    /// What V(o) should be.
    public let valueTarget: Tensor
    /// log μ(a | o) of the behaviour policy.
    public let behaviourLogProb: Tensor
    /// log π_prox(a | o) of the method's `Anchor`.
    public let proximalLogProb: Tensor
    /// V(o) before the update.
    public let oldValue: Tensor
    /// What the anchor's network says of each step; nil where the anchor is the behaviour policy.
    public let proximalPolicy: PolicyOutput?
    /// The correction's weights of the objective; nil: all 1.
    public internal(set) var weight: Tensor?
    /// Where the sequences are; nil where steps were shuffled.
    public let sequences: Sequences?

    /// r = π / π_prox of the action taken. The logarithm is limited to ±20.
    public var ratio: Tensor { exp(clamp(logProb - proximalLogProb, -20, 20)) }
    /// The same, a constant.
    public var detachedRatio: Tensor { exp(clamp(logProb.detached - proximalLogProb, -20, 20)) }

    public init(
        logProb: Tensor, entropy: Tensor, value: Tensor, policy: PolicyOutput? = nil, distribution: ActionDistribution? = nil, advantage: Tensor,
        valueTarget: Tensor, behaviourLogProb: Tensor, proximalLogProb: Tensor? = nil, oldValue: Tensor? = nil,
        proximalPolicy: PolicyOutput? = nil, weight: Tensor? = nil, sequences: Sequences? = nil
    ) {
        self.logProb = logProb
        self.entropy = entropy
        self.value = value
        self.policy = policy
        self.distribution = distribution
        self.advantage = advantage
        self.valueTarget = valueTarget
        self.behaviourLogProb = behaviourLogProb
        self.proximalLogProb = proximalLogProb ?? behaviourLogProb
        self.oldValue = oldValue ?? value.detached
        self.proximalPolicy = proximalPolicy
        self.weight = weight
        self.sequences = sequences
    }
}

/// Where the sequences of a [T, N] batch begin and end: a sequence is an episode's part in one slot.
public struct Sequences {
    /// T
    public let steps: Int
    /// N
    public let slots: Int
    /// T · N flags: 1 where the episode ended with this step, in either way.
    public let ends: [UInt8]

    public init(steps: Int, slots: Int, ends: [UInt8]) {
        precondition(ends.count == steps * slots, "\(ends.count) flags for \(steps) × \(slots) steps")
        self.steps = steps
        self.slots = slots
        self.ends = ends
    }

    /// The indices t · N + n of each sequence, in order of time; sequences slot by slot.
    public var indices: [[Int]] {
        var all: [[Int]] = []
        for slot in 0..<slots {
            var sequence: [Int] = []
            for t in 0..<steps {
                sequence.append(t * slots + slot)
                guard ends[t * slots + slot] != 0 || t == steps - 1 else { continue }
                all.append(sequence)
                sequence = []
            }
        }
        return all
    }

    /// Some slots of them, in the order given.
    func slots(_ chosen: [Int]) -> Sequences {
        Sequences(
            steps: steps, slots: chosen.count, ends: (0..<steps).flatMap { t in chosen.map { ends[t * slots + $0] } })
    }

    /// Replaces each step's number by one number of its sequence.
    /// - Parameter combine: all numbers of one sequence → one.
    public func broadcast(_ x: Tensor, _ combine: ([Float]) -> Float) -> Tensor {
        Tensor(x.shape) { target in
            x.withBuffer { values in
                for sequence in indices {
                    let one = combine(sequence.map { values[$0] })
                    for index in sequence { target[index] = one }
                }
            }
        }
    }
}
