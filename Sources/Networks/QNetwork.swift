import Tensors

/// The values of a discrete action space's actions, in two streams (Wang et al., 2016):
///
///     Q(o, a) = V(o) + A(o, a) − mean of A(o, ·)
///
/// The body, with encoder and memory, is `ActorCritic`'s: its policy head gives the advantages A, its value head V, each with fully
/// connected layers of its own where the settings ask for it (`separateValue`). The output's `policy` is Q [rows, actions], its `value` the
/// largest Q.
public struct QNetwork: PolicyNetwork {
    public let distribution: ActionDistribution
    private let streams: ActorCritic
    /// Takes the mean away from rows of A numbers: 1 − 1/A on the diagonal and −1/A beside it.
    private let centring: [Float]

    public var observationSpace: Space { streams.observationSpace }
    public var actionSpace: Space { streams.actionSpace }
    public var layout: ParameterLayout { streams.layout }
    public var stateCount: Int { streams.stateCount }
    public var normalizesObservations: Bool { streams.normalizesObservations }

    /// - Throws: `NetworkError` when the settings do not fit the spaces, or actions are not discrete.
    public init(observation: Space, action: Space, _ settings: NetworkSettings = NetworkSettings()) throws(NetworkError) {
        guard case .discrete(let count) = action else {
            throw NetworkError(
                problem: "a network of action values for actions that are no single discrete choice (\(action))", place: "network.id",
                remedy: "Choose an environment with a discrete action space, or another method.")
        }
        streams = try ActorCritic(observation: observation, action: action, settings)
        distribution = .epsilonGreedy(count)
        centring = (0..<count * count).map { ($0 / count == $0 % count ? 1 : 0) - 1 / Float(count) }
    }

    public func initialWeights(seed: UInt64) -> Weights { streams.initialWeights(seed: seed) }

    public func callAsFunction(_ observation: Observations, _ parameters: Parameters, unroll: Unroll? = nil) -> PolicyOutput {
        let output = streams(observation, parameters, unroll: unroll)
        let (rows, count) = (output.policy.shape[0], output.policy.shape[1])
        let ones = Tensor([Float](repeating: 1, count: count), [1, count])
        let values = matmul(output.policy, Tensor(centring, [count, count])) + matmul(output.value.reshaped([rows, 1]), ones)
        return PolicyOutput(policy: values, value: gather(values, argmax(values)), state: output.state)
    }
}
