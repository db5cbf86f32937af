import Tensors

/// Two independent Q functions of observation and action, of which a learner believes the smaller value (Fujimoto et al., 2018, "clipped
/// double Q-learning"): each fully connected layers on both side by side. A description without values.
public struct TwinCritic: Sendable {
    /// "first.0.weight", …, "first.value.weight", "first.value.bias", and the same of "second".
    public let layout: ParameterLayout
    private let critics: (Critic, Critic)

    /// - Parameter settings: widths, activation and layer normalisation of the policy that they judge.
    public init(features: Int, actions: Int, _ settings: NetworkSettings) {
        var layout = ParameterLayout()
        let first = Critic("first", inputs: features + actions, settings, &layout)
        critics = (first, Critic("second", inputs: features + actions, settings, &layout))
        self.layout = layout
    }

    /// Orthogonal matrices: gain √2 in the layers, 1 in the heads. Both differ, and from the policy of the same seed.
    public func initialWeights(seed: UInt64) -> Weights {
        let weights = Weights(layout)
        let parameters = weights.parameters()
        var initializer = Initializer(seed: seed, part: 1)
        critics.0.initialize(parameters, &initializer)
        critics.1.initialize(parameters, &initializer)
        return weights
    }

    /// [rows] each.
    ///
    /// With constant parameters a tape computes the gradient of the input alone.
    ///
    /// - Parameter input: [rows, features + actions], the actions in [−1, 1].
    public func callAsFunction(_ input: Tensor, _ parameters: Parameters) -> (first: Tensor, second: Tensor) {
        (critics.0(input, parameters), critics.1(input, parameters))
    }

    /// [rows]: the first one alone.
    public func first(_ input: Tensor, _ parameters: Parameters) -> Tensor { critics.0(input, parameters) }
}

private struct Critic: Sendable {
    private let stack: DenseStack
    private let value: Head

    init(_ name: String, inputs: Int, _ settings: NetworkSettings, _ layout: inout ParameterLayout) {
        stack = DenseStack(
            name, inputs: inputs, widths: settings.hidden, activation: settings.activation, layerNorm: settings.layerNorm, &layout)
        value = Head("\(name).value", inputs: stack.outputs, outputs: 1, &layout)
    }

    func initialize(_ parameters: Parameters, _ initializer: inout Initializer) {
        stack.initialize(parameters, &initializer)
        initializer.orthogonal(parameters[value.weight], gain: 1)
    }

    func callAsFunction(_ input: Tensor, _ parameters: Parameters) -> Tensor {
        let values = value(stack(input, parameters), parameters)
        return values.reshaped([values.count])
    }
}
