import Tensors

/// A policy over a bounded box of actions that critics Q(o, a) judge. The critics belong to its learner alone, so what travels to actors
/// is the policy; its value output is 0.
public protocol JudgedPolicy: PolicyNetwork {
    /// The critics that fit it, without values.
    var critic: TwinCritic { get }

    /// What policy and critics see of observations: [rows, features], a constant.
    func features(_ observation: Observations, _ parameters: Parameters) -> Tensor

    /// - Parameter features: as `features` gives them.
    func policy(_ features: Tensor, _ parameters: Parameters) -> PolicyOutput
}

extension JudgedPolicy {
    public func callAsFunction(_ observation: Observations, _ parameters: Parameters, unroll: Unroll? = nil) -> PolicyOutput {
        policy(features(observation, parameters), parameters)
    }
}

/// Observations that are vectors, centred and scaled where the settings ask for it, and fully connected layers on them.
struct VectorTorso {
    private let normalizer: ObservationNormalizer?
    private let stack: DenseStack
    var outputs: Int { stack.outputs }
    var normalizes: Bool { normalizer != nil }

    /// Adds "normalizer.…" and "torso.…" to the layout.
    ///
    /// - Throws: `NetworkError` for images, a memory, or an action space that is no bounded box.
    init(
        _ network: String, observation: Space, action: Space, _ settings: NetworkSettings, _ layout: inout ParameterLayout
    ) throws(NetworkError) {
        func refused(_ problem: String, _ place: String, _ remedy: String) -> NetworkError {
            NetworkError(problem: "\(problem), and the network \(network) takes none", place: place, remedy: remedy)
        }
        guard observation.elementType == .float32, observation.shape.count == 1 else {
            throw refused(
                "observations of \(observation.shape) \(observation.elementType) are no vectors", "environment.id",
                "Choose an environment whose observations are vectors.")
        }
        guard settings.memory == .none else {
            throw refused("a memory (\(settings.memory.rawValue))", "network.memory", "Set network.memory to none.")
        }
        guard case .box(_, let low, let high) = action, zip(low, high).allSatisfy({ $0.isFinite && $1.isFinite && $0 < $1 }) else {
            throw refused(
                "actions that are no bounded box (\(action))", "environment.id",
                "Choose an environment with bounded continuous actions, such as Pendulum-v1.")
        }
        normalizer = settings.normalizeObservations ? ObservationNormalizer(count: observation.count, &layout) : nil
        stack = DenseStack(
            "torso", inputs: observation.count, widths: settings.hidden, activation: settings.activation, layerNorm: settings.layerNorm, &layout)
    }

    func features(_ observation: Observations, _ parameters: Parameters) -> Tensor {
        normalizer.map { $0(observation.vectors, parameters) } ?? observation.vectors
    }

    func callAsFunction(_ features: Tensor, _ parameters: Parameters) -> Tensor { stack(features, parameters) }

    func initialize(_ parameters: Parameters, _ initializer: inout Initializer) {
        normalizer?.initialize(parameters)
        stack.initialize(parameters, &initializer)
    }
}
