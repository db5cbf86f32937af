import Networks
import Tensors

/// A network for float vectors and one discrete choice.
public func network(observations: Int, actions: Int, hidden: [Int], activation: Activation = .tanh) -> ActorCritic {
    do {
        return try ActorCritic(
            observation: .box(shape: [observations]), action: .discrete(actions), NetworkSettings(hidden: hidden, activation: activation))
    } catch { fatalError("\(error)") }
}

extension ActorCritic {
    /// Rows of observations → logits and values.
    public func callAsFunction(_ rows: Tensor, _ parameters: Parameters) -> (logits: Tensor, value: Tensor) {
        let output = self(Observations(rows, observationSpace), parameters)
        return (output.policy, output.value)
    }
}
