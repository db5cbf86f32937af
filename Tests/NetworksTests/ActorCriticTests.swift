import Networks
import TestSupport
import Tensors
import Testing

@Suite struct ActorCriticTests {
    private let network = TestSupport.network(observations: 4, actions: 3, hidden: [16, 8])

    @Test func layout() {
        #expect(
            network.layout.specs.map(\.name) == [
                "torso.0.weight", "torso.0.bias", "torso.1.weight", "torso.1.bias",
                "policy.weight", "policy.bias", "value.weight", "value.bias",
            ])
        #expect(network.layout.specs.map(\.shape) == [[16, 4], [16], [8, 16], [8], [3, 8], [3], [1, 8], [1]])
        #expect(network.layout.specs.map(\.offset) == [0, 64, 80, 208, 216, 240, 243, 251])
        #expect(network.layout.count == 252)
    }

    /// WᵀW or WWᵀ is gain² times the identity; biases are 0.
    @Test func orthogonalStart() {
        let weights = network.initialWeights(seed: 3)
        let parameters = weights.parameters()
        for (index, gain) in [(0, Float(2).squareRoot()), (2, Float(2).squareRoot()), (4, 0.01), (6, 1)] {
            let shape = parameters[index].shape, w = parameters[index].values
            let (rows, columns) = (shape[0], shape[1])
            let few = min(rows, columns)
            func value(_ vector: Int, _ i: Int) -> Float { rows <= columns ? w[vector * columns + i] : w[i * columns + vector] }
            for a in 0..<few {
                for b in 0..<few {
                    let product = (0..<max(rows, columns)).reduce(Float(0)) { $0 + value(a, $1) * value(b, $1) } / (gain * gain)
                    #expect(abs(product - (a == b ? 1 : 0)) < 1e-5)
                }
            }
            #expect(parameters[index + 1].values.allSatisfy { $0 == 0 })
        }
        #expect(network.initialWeights(seed: 3).flat.values == weights.flat.values)
        #expect(network.initialWeights(seed: 4).flat.values != weights.flat.values)
    }

    @Test(arguments: Activation.allCases) func gradientsByDifferences(activation: Activation) {
        let network = TestSupport.network(observations: 3, actions: 2, hidden: [5, 4], activation: activation)
        let weights = network.initialWeights(seed: 1)
        var random = RandomKey(seed: 1, purpose: .learner).stream(slot: 0, episode: 0)
        weights.flat.withMutableBuffer { for i in $0.indices { $0[i] += Float(random.uniform(in: -0.3...0.3)) } }
        let observation = Tensor((0..<21).map { _ in Float(random.uniform(in: -1...1)) }, [7, 3])
        let actions: [Int32] = [0, 1, 1, 0, 1, 0, 0]
        func loss(_ parameters: Parameters) -> Tensor {
            let (logits, value) = network(observation, parameters)
            let policy = Categorical(logits: logits)
            return mean(policy.logProb(of: actions)) + mean(square(value)) * 0.5 - mean(policy.entropy)
        }
        let tape = Tape()
        tape.backward(loss(weights.parameters(on: tape)))
        for i in 0..<weights.layout.count {
            let start = weights.flat.values[i]
            func at(_ step: Float) -> Float {
                weights.flat.withMutableBuffer { $0[i] = start + step }
                return loss(weights.parameters()).scalar
            }
            let expected = (at(0.002) - at(-0.002)) / 0.004
            weights.flat.withMutableBuffer { $0[i] = start }
            let actual = weights.gradient.values[i]
            #expect(abs(actual - expected) < 2e-3, "parameter \(i): \(actual), by differences \(expected)")
        }
        weights.zeroGradient()
        #expect(weights.gradient.values.allSatisfy { $0 == 0 })
    }

    /// Watched or not, copied or not: the same bits.
    @Test func oneForwardPass() {
        let weights = network.initialWeights(seed: 3)
        let observation = Tensor((0..<40).map { Float($0) * 0.1 - 2 }, [10, 4])
        let a = network(observation, weights.parameters()), b = network(observation, weights.copy().parameters())
        let c = network(observation, weights.parameters(on: Tape()))
        #expect(a.logits.values == b.logits.values && a.value.values == b.value.values)
        #expect(a.logits.values == c.logits.values && a.value.values == c.value.values)
        #expect(a.logits.shape == [10, 3] && a.value.shape == [10])
    }

    @Test func learningRates() {
        #expect(LearningRateSchedule.constant.value(progress: 0.5, initial: 3) == 3)
        #expect(LearningRateSchedule.linear(to: 0).value(progress: 0.25, initial: 4) == 3)
        #expect(LearningRateSchedule.linear(to: 0.5).value(progress: 2, initial: 4) == 2)
    }

    @Test func foreignOptimizerStateIsRefused() {
        var adam = Adam(count: 3)
        #expect(throws: OptimizerStateError.self) { try adam.restore(Adam(count: 4).state) }
        #expect(throws: OptimizerStateError.self) { try adam.restore(RMSProp(count: 3).state) }
    }
}
