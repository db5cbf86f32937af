import Tensors

/// A normal distribution squashed by tanh into the action's bounds, whose σ depends on the observation (Haarnoja et al., 2018):
///
///     observation → (normaliser) → fully connected layers → mean, log σ
///
/// log σ is limited to −20 … 2; beyond, it has no gradient.
public struct SquashedGaussianPolicy: JudgedPolicy {
    static let logDeviations: ClosedRange<Float> = -20...2

    public let observationSpace: Space
    public let actionSpace: Space
    public let distribution: ActionDistribution
    public let critic: TwinCritic
    /// "torso.0.weight", …, "policy.weight" [2 A, hidden] and "policy.bias" [2 A]: means first, then log σ.
    public let layout: ParameterLayout
    public var normalizesObservations: Bool { torso.normalizes }

    private let torso: VectorTorso
    private let head: Head
    private let initialLogDeviation: Float

    /// - Throws: `NetworkError` when the settings do not fit the spaces.
    public init(observation: Space, action: Space, _ settings: NetworkSettings = NetworkSettings(activation: .relu)) throws(NetworkError) {
        observationSpace = observation
        actionSpace = action
        initialLogDeviation = settings.initialLogDeviation
        var layout = ParameterLayout()
        torso = try VectorTorso("squashed_gaussian", observation: observation, action: action, settings, &layout)
        distribution = try ActionDistribution(action, .tanhGaussian)
        head = Head("policy", inputs: torso.outputs, outputs: 2 * action.count, &layout)
        self.layout = layout
        critic = TwinCritic(features: observation.count, actions: action.count, settings)
    }

    /// Orthogonal matrices: gain √2 in the torso, 0.01 in the head, so that all observations begin with a mean near 0 and one σ.
    public func initialWeights(seed: UInt64) -> Weights {
        let weights = Weights(layout)
        let parameters = weights.parameters()
        var initializer = Initializer(seed: seed)
        torso.initialize(parameters, &initializer)
        initializer.orthogonal(parameters[head.weight], gain: 0.01)
        parameters[head.bias].withMutableBuffer { $0[$0.count / 2..<$0.count].update(repeating: initialLogDeviation) }
        return weights
    }

    public func features(_ observation: Observations, _ parameters: Parameters) -> Tensor { torso.features(observation, parameters) }

    public func policy(_ features: Tensor, _ parameters: Parameters) -> PolicyOutput {
        let outputs = head(torso(features, parameters), parameters)
        let actions = outputs.shape[1] / 2
        return PolicyOutput(
            policy: outputs.columns(0..<actions),
            logDeviation: clamp(
                outputs.columns(actions..<2 * actions), Self.logDeviations.lowerBound, Self.logDeviations.upperBound),
            value: Tensor(zeros: [outputs.shape[0]]))
    }
}
