import Glibc
import Tensors

/// One action for each observation (Lillicrap et al., 2016; Fujimoto et al., 2018):
///
///     observation → (normaliser) → fully connected layers → tanh → the action's bounds
///
/// Actors explore with normal noise around it, whose log σ stands in the weights without ever having a gradient (see
/// `Weights.setExploration`); the environment gets the sum clipped to the bounds. Evaluation takes the action itself.
public struct DeterministicPolicy: JudgedPolicy {
    public let observationSpace: Space
    public let actionSpace: Space
    public let distribution: ActionDistribution
    public let critic: TwinCritic
    /// "torso.0.weight", …, "policy.weight" [A, hidden], "policy.bias" [A], "policy.log_deviation" [A].
    public let layout: ParameterLayout
    public var normalizesObservations: Bool { torso.normalizes }

    fileprivate static let logDeviation = "policy.log_deviation"
    private let torso: VectorTorso
    private let head: Head
    private let logDeviation: Int
    /// [A]: the middle of the bounds and half their distance.
    private let middle, half: [Float]

    /// - Throws: `NetworkError` when the settings do not fit the spaces.
    public init(observation: Space, action: Space, _ settings: NetworkSettings = NetworkSettings(activation: .relu)) throws(NetworkError) {
        observationSpace = observation
        actionSpace = action
        var layout = ParameterLayout()
        torso = try VectorTorso("deterministic", observation: observation, action: action, settings, &layout)
        distribution = try ActionDistribution(action, .gaussian)
        guard case .box(_, let low, let high) = action else { preconditionFailure("the torso takes boxes alone") }
        middle = zip(low, high).map { ($0 + $1) / 2 }
        half = zip(low, high).map { ($1 - $0) / 2 }
        head = Head("policy", inputs: torso.outputs, outputs: action.count, &layout)
        logDeviation = layout.add(Self.logDeviation, [action.count])
        self.layout = layout
        critic = TwinCritic(features: observation.count, actions: action.count, settings)
    }

    /// Orthogonal matrices: gain √2 in the torso, 0.01 in the head. The noise has half the bounds' distance as σ until somebody sets it.
    public func initialWeights(seed: UInt64) -> Weights {
        let weights = Weights(layout)
        let parameters = weights.parameters()
        var initializer = Initializer(seed: seed)
        torso.initialize(parameters, &initializer)
        initializer.orthogonal(parameters[head.weight], gain: 0.01)
        weights.setExploration(1, distribution)
        return weights
    }

    public func features(_ observation: Observations, _ parameters: Parameters) -> Tensor { torso.features(observation, parameters) }

    public func policy(_ features: Tensor, _ parameters: Parameters) -> PolicyOutput {
        let unit = tanh(head(torso(features, parameters), parameters))
        return PolicyOutput(
            policy: addRow(multiplyRow(unit, Tensor(half, [half.count])), Tensor(middle, [middle.count])),
            logDeviation: parameters[logDeviation], value: Tensor(zeros: [unit.shape[0]]))
    }
}

extension Weights {
    /// Sets the noise with which actors explore around a deterministic policy.
    ///
    /// - Parameters:
    ///   - deviation: σ as a share of half the distance between an action's bounds; above 0.
    ///   - distribution: the policy's.
    public func setExploration(_ deviation: Float, _ distribution: ActionDistribution) {
        guard let spec = layout.specs.first(where: { $0.name == DeterministicPolicy.logDeviation }),
            case .gaussian(let low, let high) = distribution, spec.count == low.count
        else { preconditionFailure("the network explores with no noise of its own") }
        flat.rows(spec.offset..<spec.offset + spec.count).withMutableBuffer { values in
            for index in values.indices { values[index] = log(deviation * (high[index] - low[index]) / 2) }
        }
    }
}
