import Tensors

/// What stands between the layers of a torso.
public enum Activation: String, Codable, Sendable, CaseIterable {
    case tanh, relu

    var fused: LinearActivation { self == .tanh ? .tanh : .relu }
}

/// A policy and a value function on one torso of fully connected layers, for a discrete action space.
///
/// It is a description without values: the same network runs with the parameters of any snapshot.
public struct ActorCritic: Sendable {
    public let observationCount: Int
    public let actionCount: Int
    /// "torso.0.weight" [hidden, inputs], "torso.0.bias" [hidden], …, "policy.weight", "policy.bias", "value.weight", "value.bias".
    public let layout: ParameterLayout
    private let hidden: [Int]
    private let activation: Activation

    public init(observationCount: Int, actionCount: Int, hidden: [Int], activation: Activation) {
        precondition(
            observationCount > 0 && actionCount > 0 && hidden.allSatisfy { $0 > 0 },
            "a network needs inputs, actions and layers of at least one value, not \(observationCount), \(actionCount) and \(hidden)")
        self.observationCount = observationCount
        self.actionCount = actionCount
        self.hidden = hidden
        self.activation = activation
        var layout = ParameterLayout()
        func add(_ name: String, _ inputs: Int, _ outputs: Int) {
            _ = layout.add("\(name).weight", [outputs, inputs])
            _ = layout.add("\(name).bias", [outputs])
        }
        var inputs = observationCount
        for (index, outputs) in hidden.enumerated() {
            add("torso.\(index)", inputs, outputs)
            inputs = outputs
        }
        add("policy", inputs, actionCount)
        add("value", inputs, 1)
        self.layout = layout
    }

    /// Orthogonal matrices with gain √2 in the torso, 0.01 for the policy and 1 for the value; biases 0. The same seed gives the same
    /// weights.
    public func initialWeights(seed: UInt64) -> Weights {
        let weights = Weights(layout)
        let parameters = weights.parameters()
        let key = RandomKey(seed: seed, purpose: .weights)
        for layer in 0..<hidden.count + 2 {
            let gain: Float = layer < hidden.count ? Float(2).squareRoot() : layer == hidden.count ? 0.01 : 1
            var stream = key.stream(slot: UInt32(layer), episode: 0)
            fillOrthogonal(parameters[2 * layer], gain: gain, &stream)
        }
        return weights
    }

    /// observation [N, observationCount] → logits [N, actionCount], value [N]
    public func callAsFunction(_ observation: Tensor, _ parameters: Parameters) -> (logits: Tensor, value: Tensor) {
        var x = observation
        for layer in hidden.indices {
            x = linear(x, weight: parameters[2 * layer], bias: parameters[2 * layer + 1], activation: activation.fused)
        }
        let head = 2 * hidden.count
        let logits = linear(x, weight: parameters[head], bias: parameters[head + 1])
        let value = linear(x, weight: parameters[head + 2], bias: parameters[head + 3])
        return (logits, value.reshaped([value.count]))
    }
}
