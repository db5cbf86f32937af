import Tensors

/// What a network says about rows of observations.
public struct PolicyOutput {
    /// [rows, P]: logits of a discrete policy, means of a continuous one; the values of actions where the policy is greedy.
    public let policy: Tensor
    /// Log σ of a continuous policy: [A], the same for all observations, or [rows, A]; nil for a discrete one.
    public let logDeviation: Tensor?
    /// [rows]
    public let value: Tensor
    /// [rows, P]: Q(o, a) of every action of a discrete policy; nil for a network that does not value actions one by one.
    public let actionValues: Tensor?
    /// [rows, S]: the recurrent state after each row's step; nil for a network without memory.
    public let state: Tensor?

    public init(policy: Tensor, logDeviation: Tensor? = nil, value: Tensor, actionValues: Tensor? = nil, state: Tensor? = nil) {
        self.policy = policy
        self.logDeviation = logDeviation
        self.value = value
        self.actionValues = actionValues
        self.state = state
    }

    /// The same values, constants for every tape.
    public var detached: PolicyOutput {
        PolicyOutput(
            policy: policy.detached, logDeviation: logDeviation?.detached, value: value.detached, actionValues: actionValues?.detached,
            state: state?.detached)
    }

    /// The same values, constants for every tape, whatever becomes of the parameters: a log σ that all rows share is a view of the
    /// weights, and optimisers change weights in place.
    public var snapshot: PolicyOutput {
        PolicyOutput(
            policy: policy.detached, logDeviation: logDeviation.map { Tensor($0.values, $0.shape) }, value: value.detached,
            state: state?.detached)
    }

    /// Some rows, copied: constants for every tape.
    public func picked(_ rows: [Int]) -> PolicyOutput {
        PolicyOutput(
            policy: policy.picked(rows), logDeviation: logDeviation.map { $0.shape.count == 2 ? $0.picked(rows) : $0.detached },
            value: value.picked(rows), actionValues: actionValues?.picked(rows), state: state?.picked(rows))
    }
}

/// Where the rows of a recurrent network stand in time: time-major, T steps of N slots.
public struct Unroll {
    /// [N, S]: the state with which each slot enters.
    public let state: Tensor
    /// T · N flags: 1 where an episode begins, so that the state is forgotten before the step; nil: nowhere.
    public let begins: [UInt8]?

    public init(state: Tensor, begins: [UInt8]? = nil) {
        self.state = state
        self.begins = begins
    }
}
