import Networks
import Rollouts
import Tensors

/// Q-learning from a replay (C05): each step's value of the action taken moves towards an n-step return, at whose end stands the value that
/// a slowly following copy of the network, the target network, gives to the best action:
///
///     δ_t = G_t − Q(o_t, a_t),   loss = Σ w · error(δ_t) / steps trained on
///
/// G is a constant. w are the importance weights of the sequences (`RolloutBatch.weight`). What is learned from is not corrected for the
/// policy that acted: staleness class A. n-step returns with n > 1 carry that policy's later actions in them, which is why n is small.
public struct QLearning: Algorithm {
    /// What an error costs.
    public enum ErrorCost: Sendable, Hashable {
        /// ½ δ²
        case squared
        /// ½ δ² up to |δ| = limit, then limit · (|δ| − ½ limit): its gradient is δ limited to ±limit.
        case huber(Float)
    }

    public let name: String
    /// γ
    public var discount: Float
    /// n
    public var returnSteps: Int
    /// Which network chooses the action whose value the target network tells: the one in training (van Hasselt et al., 2016), or the target
    /// network itself.
    public var isDouble: Bool
    public var cost: ErrorCost
    /// nil: values are on the scale of the rewards.
    public var rescaling: ValueRescaling?
    /// Train on steps, too, whose n-step return is cut short by the end of the window. Where the window has fewer steps than n, its first
    /// steps count as whole.
    public var trainsOnShortReturns: Bool
    /// The target network is copied after every so many gradient steps.
    public var targetSteps: Int
    /// η: a sequence's priority is η · max |δ| + (1 − η) · mean |δ| over its steps.
    public var priorityMaximum: Float
    /// Whether a network with memory enters a sequence with the state that the actor had; otherwise with 0.
    public var usesStoredState: Bool
    public var exploration: Exploration
    public var data: DataPlan

    public var staleness: Staleness { .any }
    public var givesPriorities: Bool { true }
    public var usesBurnIn: Bool { true }
    public var networkID: String { "q_network" }

    public init(
        _ name: String, discount: Float, returnSteps: Int, isDouble: Bool = true, cost: ErrorCost, rescaling: ValueRescaling? = nil,
        trainsOnShortReturns: Bool = false, targetSteps: Int, priorityMaximum: Float = 0.9, usesStoredState: Bool = true,
        exploration: EpsilonLadder, replay: ReplayPlan
    ) {
        self.name = name
        self.discount = discount
        self.returnSteps = returnSteps
        self.isDouble = isDouble
        self.cost = cost
        self.rescaling = rescaling
        self.trainsOnShortReturns = trainsOnShortReturns
        self.targetSteps = targetSteps
        self.priorityMaximum = priorityMaximum
        self.usesStoredState = usesStoredState
        self.exploration = .epsilonGreedy(exploration)
        data = .replayed(replay)
    }

    public func learner(_ setting: LearnerSetting) throws -> any Learner {
        guard case .epsilonGreedy = setting.network.distribution else {
            throw MethodError(
                problem: "\(name) learns the values of actions, and the network gives a policy", place: "network.id",
                remedy: "Set network.id to auto or q_network.")
        }
        return QLearner(self, setting)
    }

    /// What a batch says.
    public struct BatchLoss {
        public let loss: Tensor
        public let metrics: [Metric]
        /// N
        public let priorities: [Float]
    }

    /// - Parameters:
    ///   - parameters: tracked by a tape.
    ///   - constants: the same weights, not tracked.
    ///   - target: the target network's.
    public func loss(
        _ batch: RolloutBatch, network: any PolicyNetwork, parameters: Parameters, constants: Parameters, target: Parameters
    ) -> BatchLoss {
        let slots = batch.slots
        let first = batch.burnIn * slots
        let state = usesStoredState ? batch.recurrentState : Tensor(zeros: batch.recurrentState.shape)
        let online = ActionValues(batch, network, state: state, parameters: parameters, constants: constants)
        let slow = ActionValues(batch, network, state: state, parameters: target, constants: target)
        let best = argmax((isDouble ? online : slow).successors)
        let returns = gather(slow.successors, best).withBuffer { successors in
            batch.reward.withBuffer { rewards in
                NStepReturns(
                    rewards: UnsafeBufferPointer(rebasing: rewards[first...]), terminated: batch.terminated[first...],
                    truncated: batch.truncated[first...], successors: successors, slots: slots, discount: discount,
                    count: min(returnSteps, batch.steps - batch.burnIn), rescaling: rescaling)
            }
        }
        guard case .choices(let choices) = batch.action else { preconditionFailure("action values of continuous actions") }
        let taken = gather(online.values, Array(choices[first...]))
        let error = Tensor(returns.targets, taken.shape) - taken
        let isTrained = trainsOnShortReturns ? [Bool](repeating: true, count: taken.count) : returns.isWhole
        let trained = Float(isTrained.count { $0 })
        let weights = batch.weight.withBuffer { weight in
            Tensor(isTrained.indices.map { isTrained[$0] ? weight[$0 % slots] / trained : 0 }, taken.shape)
        }
        let magnitudes = error.detached.values.map(abs)
        let count = Double(trained)
        func average(_ values: [Float]) -> Float {
            Float(zip(values, isTrained).reduce(0.0) { $1.1 ? $0 + Double($1.0) : $0 } / count)
        }
        return BatchLoss(
            loss: sum(weights * cost(error)),
            metrics: [
                ("td_error", average(magnitudes)), ("q_mean", average(taken.detached.values)), ("target_mean", average(returns.targets)),
            ],
            priorities: priorities(magnitudes, isTrained, slots: slots))
    }

    /// η · max |δ| + (1 − η) · mean |δ| of each slot, over the steps that are trained on.
    private func priorities(_ magnitudes: [Float], _ isTrained: [Bool], slots: Int) -> [Float] {
        (0..<slots).map { slot in
            var (largest, sum, count) = (Float(0), Float(0), Float(0))
            for index in stride(from: slot, to: magnitudes.count, by: slots) where isTrained[index] {
                largest = max(largest, magnitudes[index])
                sum += magnitudes[index]
                count += 1
            }
            return priorityMaximum * largest + (1 - priorityMaximum) * (count > 0 ? sum / count : 0)
        }
    }
}

extension QLearning.ErrorCost {
    /// Of every error.
    public func callAsFunction(_ error: Tensor) -> Tensor {
        switch self {
        case .squared: return 0.5 * square(error)
        case .huber(let limit):
            // Linear in the error with the slope that belongs to it, so that the gradient is that slope.
            let slope = clamp(error.detached, -limit, limit)
            return slope * error - 0.5 * square(slope)
        }
    }
}
