import Tensors

/// A policy and a value function for an environment's spaces:
///
///     observation → (normaliser) → (encoder) → fully connected layers → (memory) → policy, value
///
/// What stands in brackets is there when the settings ask for it. The value function shares everything but its head, or has fully connected
/// layers of its own (`separateValue`). With `valuesActions` the value head gives Q(o, a) of every discrete action, and
/// V(o) = Σ π(a | o) Q(o, a). It is a description without values: the same network runs with the parameters of any snapshot.
public struct ActorCritic: PolicyNetwork {
    public let observationSpace: Space
    public let actionSpace: Space
    public let distribution: ActionDistribution
    /// Each part's parameters by name: "encoder.…", "torso.0.weight" [hidden, inputs], "torso.0.bias" [hidden], …, "memory.…",
    /// "policy.weight", "policy.bias", "policy.log_deviation" [A] of a continuous policy, "value.weight", "value.bias" ("action_value.…" [A, …]
    /// where actions are valued).
    public let layout: ParameterLayout

    private let settings: NetworkSettings
    private let normalizer: ObservationNormalizer?
    private let encoder: Encoder?
    private let torso: DenseStack
    private let valueTorso: DenseStack?
    private let memory: RecurrentMemory?
    private let policy, value: Head
    private let logDeviation: Int?
    public let valuesActions: Bool

    /// - Throws: `NetworkError` when the settings do not fit the spaces.
    public init(
        observation: Space, action: Space, _ settings: NetworkSettings = NetworkSettings(), valuesActions: Bool = false
    ) throws(NetworkError) {
        precondition(settings.hidden.allSatisfy { $0 > 0 }, "layers need at least one unit, not \(settings.hidden)")
        guard observation.elementType != .int32 else {
            throw NetworkError(
                problem: "observations that are discrete choices (\(observation))", place: "environment.id",
                remedy: "Choose an environment whose observations are vectors or images.")
        }
        observationSpace = observation
        actionSpace = action
        self.settings = settings
        self.valuesActions = valuesActions
        distribution = try ActionDistribution(action, settings.continuousPolicy)
        if valuesActions {
            guard case .categorical = distribution else {
                throw NetworkError(
                    problem: "a network of action values for actions that are no single discrete choice (\(action))", place: "network.id",
                    remedy: "Choose an environment with a discrete action space, or another method.")
            }
        }
        var layout = ParameterLayout()
        encoder = try Encoder(settings.encoder, observation, &layout)
        if settings.normalizeObservations, encoder != nil || observation.elementType != .float32 {
            throw NetworkError(
                problem: "observations of \(observation.shape) \(observation.elementType) are an image, and images are not normalised",
                place: "network.normalize_observations", remedy: "Set network.normalize_observations to false.")
        }
        normalizer = settings.normalizeObservations ? ObservationNormalizer(count: observation.count, &layout) : nil
        let features = encoder?.outputs ?? observation.count
        func stack(_ name: String) -> DenseStack {
            DenseStack(
                name, inputs: features, widths: settings.hidden, activation: settings.activation, layerNorm: settings.layerNorm, &layout)
        }
        torso = stack("torso")
        valueTorso = settings.separateValue ? stack("value_torso") : nil
        memory = RecurrentMemory(settings.memory, inputs: torso.outputs, width: settings.memoryWidth, &layout)
        if settings.separateValue, memory != nil {
            throw NetworkError(
                problem: "a separate value torso and a memory", place: "network.separate_value",
                remedy: "Set network.separate_value to false: policy and value share the memory.")
        }
        let outputs = memory?.width ?? torso.outputs
        policy = Head("policy", inputs: outputs, outputs: distribution.parameterCount, &layout)
        logDeviation = distribution.isContinuous ? layout.add("policy.log_deviation", [distribution.parameterCount]) : nil
        value =
            valuesActions
            ? Head("action_value", inputs: outputs, outputs: distribution.parameterCount, &layout)
            : Head("value", inputs: outputs, outputs: 1, &layout)
        self.layout = layout
    }

    /// S: the numbers that a slot carries from step to step; 0 without memory.
    public var stateCount: Int { memory?.stateCount ?? 0 }

    /// Whether the weights hold statistics of the observations.
    public var normalizesObservations: Bool { normalizer != nil }

    /// Orthogonal matrices: gain √2 in encoder and torso, 1 in the memory, 0.01 for the policy and 1 for the value; biases 0 (Huang et al.,
    /// 2022, "The 37 implementation details of PPO", 2). The same seed gives the same weights.
    public func initialWeights(seed: UInt64) -> Weights {
        let weights = Weights(layout)
        let parameters = weights.parameters()
        var initializer = Initializer(seed: seed)
        normalizer?.initialize(parameters)
        encoder?.initialize(parameters, &initializer)
        torso.initialize(parameters, &initializer)
        valueTorso?.initialize(parameters, &initializer)
        memory?.initialize(parameters, &initializer)
        initializer.orthogonal(parameters[policy.weight], gain: 0.01)
        initializer.orthogonal(parameters[value.weight], gain: 1)
        if let logDeviation { parameters[logDeviation].withMutableBuffer { $0.update(repeating: settings.initialLogDeviation) } }
        return weights
    }

    /// - Parameter unroll: for a network with memory, where the rows stand in time.
    public func callAsFunction(_ observation: Observations, _ parameters: Parameters, unroll: Unroll? = nil) -> PolicyOutput {
        var features: Tensor
        if let encoder {
            features = encoder(observation, parameters)
        } else {
            features = observation.vectors
            if let normalizer { features = normalizer(features, parameters) }
        }
        var x = torso(features, parameters)
        var state: Tensor?
        if let memory {
            guard let unroll else { preconditionFailure("a network with memory needs to know where its rows stand in time") }
            (x, state) = memory(x, unroll, parameters)
        }
        let valueInput = valueTorso?(features, parameters) ?? x
        let values = value(valueInput, parameters)
        let policy = policy(x, parameters)
        guard valuesActions else {
            return PolicyOutput(
                policy: policy, logDeviation: logDeviation.map { parameters[$0] }, value: values.reshaped([values.count]), state: state)
        }
        return PolicyOutput(
            policy: policy, value: sumLastAxis(exp(logSoftmax(policy)) * values), actionValues: values, state: state)
    }
}
