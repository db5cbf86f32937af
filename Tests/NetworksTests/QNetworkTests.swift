import Glibc
import Networks
import Tensors
import Testing

@Suite struct QNetworkTests {
    private func network(_ edit: (inout NetworkSettings) -> Void = { _ in }) throws -> QNetwork {
        var settings = NetworkSettings(hidden: [6])
        edit(&settings)
        return try QNetwork(observation: .box(shape: [3]), action: .discrete(4), settings)
    }

    /// Weights that are far from the start, where the advantages are almost 0.
    private func weights(_ network: QNetwork) -> Weights {
        let weights = network.initialWeights(seed: 5)
        var random = RandomKey(seed: 5, purpose: .learner).stream(slot: 0, episode: 0)
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] += Float(random.uniform(in: -0.5...0.5)) } }
        return weights
    }

    private let rows = Tensor((0..<15).map { Float($0 % 7) / 3 - 1 }, [5, 3])

    @Test(arguments: [false, true]) func twoStreams(separate: Bool) throws {
        let network = try network { $0.separateValue = separate }
        var settings = NetworkSettings(hidden: [6])
        settings.separateValue = separate
        let body = try ActorCritic(observation: .box(shape: [3]), action: .discrete(4), settings)
        #expect(network.layout == body.layout && network.distribution == .epsilonGreedy(4))
        let weights = weights(network)
        let observations = Observations(rows, network.observationSpace)
        let (output, streams) = (network(observations, weights.parameters()), body(observations, weights.parameters()))
        let (values, advantages) = (output.policy.values, streams.policy.values)
        for row in 0..<5 {
            let mean = advantages[(row * 4)..<(row * 4 + 4)].reduce(0, +) / 4
            for action in 0..<4 {
                #expect(abs(values[row * 4 + action] - streams.value.values[row] - advantages[row * 4 + action] + mean) < 1e-6)
            }
            #expect(output.value.values[row] == values[(row * 4)..<(row * 4 + 4)].max()!)
        }
    }

    @Test func gradientsByDifferences() throws {
        let network = try network()
        let weights = weights(network)
        let observations = Observations(rows, network.observationSpace)
        func loss(_ parameters: Parameters) -> Tensor { mean(square(gather(network(observations, parameters).policy, [0, 3, 1, 1, 2]))) }
        let tape = Tape()
        tape.backward(loss(weights.parameters(on: tape)))
        for k in 0..<weights.layout.count {
            let start = weights.flat.values[k]
            func at(_ step: Float) -> Float {
                weights.flat.withMutableBuffer { $0[k] = start + step }
                defer { weights.flat.withMutableBuffer { $0[k] = start } }
                return loss(weights.parameters()).scalar
            }
            #expect(abs((at(0.01) - at(-0.01)) / 0.02 - weights.gradient.values[k]) < 5e-3, "parameter \(k)")
        }
    }

    @Test func otherActionsAreRefused() {
        for space in [Space.box(shape: [2], low: -1, high: 1), .multiDiscrete([2, 3])] {
            #expect(throws: NetworkError.self) { try QNetwork(observation: .box(shape: [3]), action: space) }
        }
    }

    // MARK: ε-greedy

    private func draw(_ values: Tensor, epsilons: [Float], _ uniforms: [Float]) -> (actions: [Int32], logProbs: [Float]) {
        let output = PolicyOutput(policy: values, value: Tensor(zeros: [values.shape[0]]))
        var (actions, logProbs) = ([Int32](repeating: -1, count: uniforms.count), [Float](repeating: 1, count: uniforms.count))
        uniforms.withUnsafeBufferPointer { uniforms in
            actions.withUnsafeMutableBytes { actions in
                logProbs.withUnsafeMutableBufferPointer {
                    ActionDistribution.epsilonGreedy(values.shape[1]).sample(
                        output, uniforms: uniforms, epsilons: epsilons, actions: actions, logProbs: $0)
                }
            }
        }
        return (actions, logProbs)
    }

    @Test func drawsAreThoseOfTheLadder() {
        // One row in many copies: action 2 and 3 are equally good, the first of them counts.
        let (count, epsilon) = (40_000, Float(0.3))
        let values = Tensor((0..<count).flatMap { _ in [Float(0.5), -1, 2, 2] }, [count, 4])
        var uniforms = [Float](repeating: 0, count: count)
        uniforms.withUnsafeMutableBufferPointer { RandomKey(seed: 1, purpose: .action).uniforms(step: 3, into: $0) }
        let (actions, logProbs) = draw(values, epsilons: [Float](repeating: epsilon, count: count), uniforms)
        for action in Int32(0)..<4 {
            let probability = (action == 2 ? 1 - epsilon : 0) + epsilon / 4
            let share = Float(actions.count { $0 == action }) / Float(count)
            #expect(abs(share - probability) < 4 * (probability * (1 - probability) / Float(count)).squareRoot())
            for (drawn, logProb) in zip(actions, logProbs) where drawn == action { #expect(logProb == log(probability)) }
        }
        // Without ε the best, surely; with ε 1 any, and the last uniform number stays inside.
        let certain = draw(values.rows(0..<2), epsilons: [], [0, 0.999])
        #expect(certain.actions == [2, 2] && certain.logProbs == [0, 0])
        let any = draw(values.rows(0..<3), epsilons: [1, 1, 1], [0, 0.5, 1 - 0x1p-24])
        #expect(any.actions == [0, 2, 3] && any.logProbs.allSatisfy { $0 == log(Float(0.25)) })
    }

    @Test func greedyProbabilities() {
        let output = PolicyOutput(policy: Tensor([1, 3, 2, 5, 5, 0], [2, 3]), value: Tensor(zeros: [2]))
        let distribution = ActionDistribution.epsilonGreedy(3)
        #expect(distribution.logProb(of: .choices([1, 1]), output).values == [0, -.infinity])
        #expect(distribution.entropy(output, at: .choices([1, 1])).values == [0, 0])
        #expect(distribution.parameterCount == 3)
    }

    @Test func ladder() {
        let ladder = EpsilonLadder(base: 0.4, exponent: 7, slots: 8)
        for slot in 0..<8 { #expect(abs(ladder.epsilon(slot: slot, version: 0) - Float(pow(0.4, 1 + Double(slot)))) < 1e-7) }
        // More slots than planned, a single slot, no ladder.
        #expect(ladder.epsilon(slot: 100, version: 9) == ladder.epsilon(slot: 7, version: 9))
        #expect(EpsilonLadder(base: 0.4, exponent: 7).epsilon(slot: 0, version: 0) == 0.4)
        #expect(EpsilonLadder(base: 0.1, exponent: 0, slots: 4).epsilon(slot: 2, version: 0) == 0.1)
        // It falls from 1.
        let falling = EpsilonLadder(base: 0.2, exponent: 0, decayVersions: 10, slots: 4)
        #expect(falling.epsilon(slot: 0, version: 0) == 1 && abs(falling.epsilon(slot: 3, version: 5) - 0.6) < 1e-6)
        #expect(falling.epsilon(slot: 0, version: 10) == 0.2 && falling.epsilon(slot: 0, version: .max) == 0.2)

        let exploration = Exploration.epsilonGreedy(EpsilonLadder(base: 0.4, exponent: 7)).over(slots: 8)
        #expect(exploration.epsilons(first: 4, count: 4, version: 0) == (4..<8).map { ladder.epsilon(slot: $0, version: 0) })
        #expect(Exploration.policy.over(slots: 8) == .policy && Exploration.policy.epsilons(first: 0, count: 3, version: 0).isEmpty)
    }
}
