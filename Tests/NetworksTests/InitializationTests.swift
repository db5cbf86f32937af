import Networks
import Tensors
import Testing

@Suite struct InitializationTests {
    /// Whether the rows of a matrix [rows, columns], or its columns where it has fewer, are orthogonal and `gain` long.
    private func isOrthogonal(_ w: Tensor, gain: Float) -> Bool {
        let rows = w.shape[0], columns = w.count / w.shape[0]
        let values = w.values
        let few = min(rows, columns), many = max(rows, columns)
        func value(_ vector: Int, _ i: Int) -> Float { rows <= columns ? values[vector * columns + i] : values[i * columns + vector] }
        for a in 0..<few {
            for b in 0...a {
                let product = (0..<many).reduce(Float(0)) { $0 + value(a, $1) * value(b, $1) } / (gain * gain)
                if abs(product - (a == b ? 1 : 0)) > 1e-5 { return false }
            }
        }
        return true
    }

    /// Gain √2 in encoder and torso, 1 in the memory (all gates of an input as one matrix) and for the value, 0.01 for the policy.
    @Test(arguments: [MemoryKind.gru, .lstm], [EncoderKind.minatar, .impala]) func gains(memory: MemoryKind, encoder: EncoderKind) throws {
        var settings = NetworkSettings(hidden: [8, 6])
        (settings.encoder, settings.memory, settings.memoryWidth, settings.layerNorm) = (encoder, memory, 5, true)
        settings.initialLogDeviation = -0.75
        let network = try ActorCritic(observation: .bytes(shape: [5, 6, 3], high: 1), action: .box(shape: [2]), settings)
        let parameters = network.initialWeights(seed: 9).parameters()
        for (index, spec) in network.layout.specs.enumerated() {
            let tensor = parameters[index]
            switch spec.name {
            case "policy.weight": #expect(isOrthogonal(tensor, gain: 0.01))
            case "value.weight", "memory.input.weight", "memory.hidden.weight": #expect(isOrthogonal(tensor, gain: 1), "\(spec.name)")
            case "policy.log_deviation": #expect(tensor.values == [-0.75, -0.75])
            case let name where name.hasSuffix("norm.weight"): #expect(tensor.values.allSatisfy { $0 == 1 })
            case let name where name.hasSuffix(".weight"): #expect(isOrthogonal(tensor, gain: Float(2).squareRoot()), "\(name)")
            default:
                #expect(spec.name.hasSuffix("bias"))
                #expect(tensor.values.allSatisfy { $0 == 0 }, "\(spec.name)")
            }
        }
        // No two matrices come from one stream.
        let starts = network.layout.specs.indices.filter { parameters[$0].shape.count > 1 }.map { parameters[$0].values[0] }
        #expect(Set(starts).count == starts.count)
    }

    /// A new network takes observations as they are.
    @Test func normalizerStartsAsIdentity() throws {
        var settings = NetworkSettings(hidden: [4])
        settings.normalizeObservations = true
        let network = try ActorCritic(observation: .box(shape: [3]), action: .discrete(2), settings)
        let weights = network.initialWeights(seed: 1)
        #expect(weights.parameters()[0].values == [0, 0, 0] && weights.parameters()[1].values == [1, 1, 1])
        let plain = try ActorCritic(observation: .box(shape: [3]), action: .discrete(2), NetworkSettings(hidden: [4]))
        let same = Weights(plain.layout)
        same.flat.withMutableBuffer { _ = $0.update(fromContentsOf: weights.flat.values.dropFirst(6)) }
        let rows = Observations(Tensor([1, -2, 3, 0.5, 0.25, -0.125], [2, 3]), network.observationSpace)
        #expect(network(rows, weights.parameters()).policy.values == plain(rows, same.parameters()).policy.values)

        // (x − mean) · scale, cut at ±10; nothing else changes.
        weights.setNormalizer(mean: [1, -1, 0], scale: [2, 0.5, 100])
        let centred = Observations(Tensor([0, -0.5, 10, -1, 0.625, -10], [2, 3]), network.observationSpace)
        let (a, b) = (network(rows, weights.parameters()), plain(centred, same.parameters()))
        #expect(a.policy.values == b.policy.values && a.value.values == b.value.values)
        #expect(Array(weights.flat.values.dropFirst(6)) == same.flat.values)
    }
}
