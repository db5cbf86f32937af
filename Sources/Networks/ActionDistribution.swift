import Tensors

/// How a policy draws actions of a space.
public enum ActionDistribution: Sendable, Hashable {
    case categorical(Int)
    /// The action of the largest value, left with a probability ε that whoever acts brings (see `Exploration`).
    case epsilonGreedy(Int)
    /// Independent choices.
    case multiCategorical([Int])
    /// A diagonal normal distribution; the environment gets the draw clipped to its bounds.
    case gaussian(low: [Float], high: [Float])
    /// A diagonal normal distribution whose draw u is squashed: the environment gets low + (high − low) (tanh u + 1) / 2.
    case tanhGaussian(low: [Float], high: [Float])

    /// The distribution for an action space.
    public init(_ space: Space, _ continuous: ContinuousPolicy) throws(NetworkError) {
        switch space {
        case .discrete(let count): self = .categorical(count)
        case .multiDiscrete(let counts): self = .multiCategorical(counts)
        case .box(_, let low, let high):
            guard continuous == .tanhGaussian else {
                self = .gaussian(low: low, high: high)
                return
            }
            if let index = low.indices.first(where: { !low[$0].isFinite || !high[$0].isFinite }) {
                throw NetworkError(
                    problem: "the action's number \(index) lies in [\(low[index]), \(high[index])], and tanh squashes into bounds",
                    place: "network.continuous_policy", remedy: "Set network.continuous_policy to gaussian.")
            }
            self = .tanhGaussian(low: low, high: high)
        case .bytes:
            throw NetworkError(
                problem: "an action space of bytes has no policy", place: "environment.id",
                remedy: "Choose an environment with a discrete, multi-discrete or box action space.")
        }
    }

    /// P: the numbers of the network's output that describe the distribution of one row.
    public var parameterCount: Int {
        switch self {
        case .categorical(let count), .epsilonGreedy(let count): count
        case .multiCategorical(let counts): counts.reduce(0, +)
        case .gaussian(let low, _), .tanhGaussian(let low, _): low.count
        }
    }

    /// The numbers of one action.
    var actionCount: Int {
        switch self {
        case .categorical, .epsilonGreedy: 1
        case .multiCategorical(let counts): counts.count
        case .gaussian(let low, _), .tanhGaussian(let low, _): low.count
        }
    }

    var isContinuous: Bool {
        switch self {
        case .categorical, .multiCategorical, .epsilonGreedy: false
        case .gaussian, .tanhGaussian: true
        }
    }

    /// Whether log π follows from the network's output alone.
    public var isEvaluable: Bool {
        if case .epsilonGreedy = self { false } else { true }
    }

    /// [rows]: log π of one action per row, as it was drawn (before squashing or clipping; of a squashed one, the density after tanh; of an
    /// ε-greedy one, with ε = 0).
    public func logProb(of actions: Actions, _ output: PolicyOutput) -> Tensor {
        switch (self, actions) {
        case (.categorical, .choices(let choices)): return Categorical(logits: output.policy).logProb(of: choices)
        case (.epsilonGreedy, .choices(let choices)): return EpsilonGreedy(values: output.policy).logProb(of: choices)
        case (.multiCategorical(let counts), .choices(let choices)):
            return MultiCategorical(logits: output.policy, counts: counts).logProb(of: choices)
        case (.gaussian, .vectors(let vectors)): return Gaussian(output).logProb(of: vectors)
        case (.tanhGaussian, .vectors(let vectors)): return TanhGaussian(output).logProb(of: vectors)
        default: preconditionFailure("actions of another kind than the policy \(self) draws")
        }
    }

    /// [rows], in nats.
    ///
    /// - Parameter actions: as in `logProb`; the entropy of a squashed normal distribution has no closed form and is estimated at the
    ///   action that was drawn.
    public func entropy(_ output: PolicyOutput, at actions: Actions) -> Tensor {
        switch self {
        case .categorical: return Categorical(logits: output.policy).entropy
        case .epsilonGreedy: return Tensor(zeros: [output.policy.shape[0]])
        case .multiCategorical(let counts): return MultiCategorical(logits: output.policy, counts: counts).entropy
        case .gaussian: return Gaussian(output).entropy
        case .tanhGaussian:
            guard case .vectors(let vectors) = actions else { preconditionFailure("discrete actions of a continuous policy") }
            return TanhGaussian(output).entropy(at: vectors)
        }
    }

    /// Draws one action per row and gives its log-probability.
    ///
    /// - Parameters:
    ///   - uniforms: one number in [0, 1) for each number of an action.
    ///   - epsilons: ε of each row, of an ε-greedy choice; none: 0.
    ///   - actions: rows × `actionCount` int32 or float32.
    public func sample(
        _ output: PolicyOutput, uniforms: UnsafeBufferPointer<Float>, epsilons: [Float] = [], actions: UnsafeMutableRawBufferPointer,
        logProbs: UnsafeMutableBufferPointer<Float>
    ) {
        switch self {
        case .categorical:
            Categorical.sample(
                logits: output.policy, uniforms: uniforms, actions: actions.assumingMemoryBound(to: Int32.self), logProbs: logProbs)
        case .epsilonGreedy:
            EpsilonGreedy(values: output.policy).sample(
                uniforms: uniforms, epsilons: epsilons, actions: actions.assumingMemoryBound(to: Int32.self), logProbs: logProbs)
        case .multiCategorical(let counts):
            MultiCategorical(logits: output.policy, counts: counts).sample(
                uniforms: uniforms, actions: actions.assumingMemoryBound(to: Int32.self), logProbs: logProbs)
        case .gaussian:
            Gaussian(output).sample(uniforms: uniforms, actions: actions.assumingMemoryBound(to: Float.self), logProbs: logProbs)
        case .tanhGaussian:
            TanhGaussian(output).sample(uniforms: uniforms, actions: actions.assumingMemoryBound(to: Float.self), logProbs: logProbs)
        }
    }

    /// The most probable action of each row (of a squashed distribution: the squashed mean).
    public func mode(_ output: PolicyOutput, actions: UnsafeMutableRawBufferPointer) {
        switch self {
        case .categorical, .epsilonGreedy:
            _ = actions.assumingMemoryBound(to: Int32.self).update(fromContentsOf: argmax(output.policy))
        case .multiCategorical(let counts):
            let mode = MultiCategorical(logits: output.policy, counts: counts).mode()
            _ = actions.assumingMemoryBound(to: Int32.self).update(fromContentsOf: mode)
        case .gaussian, .tanhGaussian:
            output.policy.withBuffer { _ = actions.assumingMemoryBound(to: Float.self).update(fromContentsOf: $0) }
        }
    }

    /// [rows, A] in [−1, 1]: actions of a bounded box as they were drawn, the way critics see them. Differentiable.
    public func unit(_ drawn: Tensor) -> Tensor {
        switch self {
        case .categorical, .multiCategorical, .epsilonGreedy: preconditionFailure("discrete actions have no place in a box")
        case .gaussian(let low, let high):
            let half = zip(low, high).map { ($1 - $0) / 2 }
            let middle = Tensor(zip(low, high).map { -($0 + $1) / 2 }, [low.count])
            return clamp(multiplyRow(addRow(drawn, middle), Tensor(half.map { 1 / $0 }, [low.count])), -1, 1)
        case .tanhGaussian: return tanh(drawn)
        }
    }

    /// Draws of a squashed normal policy through which gradients reach the network: actions in (−1, 1), [rows, A], and their
    /// log-density there, [rows].
    ///
    /// - Parameter noise: [rows, A] from the standard normal distribution.
    public func drawn(_ output: PolicyOutput, noise: Tensor) -> (action: Tensor, logProb: Tensor) {
        guard case .tanhGaussian = self else { preconditionFailure("\(self) is no squashed normal distribution") }
        return TanhGaussian(output).drawn(noise: noise)
    }

    /// What the environment is told where the policy has drawn `drawn`, in place.
    public func bound(_ drawn: UnsafeMutableRawBufferPointer) {
        switch self {
        case .categorical, .multiCategorical, .epsilonGreedy: break
        case .gaussian(let low, let high):
            let values = drawn.assumingMemoryBound(to: Float.self)
            for index in values.indices { values[index] = min(max(values[index], low[index % low.count]), high[index % low.count]) }
        case .tanhGaussian(let low, let high):
            let values = drawn.assumingMemoryBound(to: Float.self)
            for index in values.indices {
                let (least, most) = (low[index % low.count], high[index % low.count])
                // Rounding may lead out of the box by a bit.
                values[index] = min(max(least + (most - least) * (hyperbolicTangent(values[index]) + 1) / 2, least), most)
            }
        }
    }
}
