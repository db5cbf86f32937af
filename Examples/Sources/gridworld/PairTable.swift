import Apus

/// A network without hidden layers on the products of the observations: the smallest that tells all directions apart.
struct PairTable: PolicyNetwork {
    let observationSpace: Space
    let actionSpace: Space
    let distribution: ActionDistribution
    let layout: ParameterLayout
    private let weight, bias, value, valueBias: Int

    init(observation: Space, action: Space) throws {
        observationSpace = observation
        actionSpace = action
        distribution = try ActionDistribution(action, .gaussian)
        let features = observation.count + observation.count * observation.count
        var layout = ParameterLayout()
        weight = layout.add("policy.weight", [distribution.parameterCount, features])
        bias = layout.add("policy.bias", [distribution.parameterCount])
        value = layout.add("value.weight", [1, features])
        valueBias = layout.add("value.bias", [1])
        self.layout = layout
    }

    /// All zero: every action is equally likely.
    func initialWeights(seed: UInt64) -> Weights { Weights(layout) }

    func callAsFunction(_ observation: Observations, _ parameters: Parameters, unroll: Unroll?) -> PolicyOutput {
        let x = features(observation)
        let values = linear(x, weight: parameters[value], bias: parameters[valueBias])
        return PolicyOutput(
            policy: linear(x, weight: parameters[weight], bias: parameters[bias]), value: values.reshaped([observation.count]))
    }

    /// x and every product of two of its elements.
    private func features(_ observation: Observations) -> Tensor {
        let n = observationSpace.count
        return observation.vectors.withBuffer { x in
            Tensor([observation.count, n + n * n]) { y in
                for row in 0..<observation.count {
                    for i in 0..<n {
                        y[row * (n + n * n) + i] = x[row * n + i]
                        for j in 0..<n { y[row * (n + n * n) + n + i * n + j] = x[row * n + i] * x[row * n + j] }
                    }
                }
            }
        }
    }
}

extension NetworkEntry {
    static let pairTable = NetworkEntry(id: "pair_table", summary: "linear in the observations and their products") { observation, action, _ in
        try PairTable(observation: observation, action: action)
    }
}
