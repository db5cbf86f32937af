import Methods
import Networks
import Rollouts
import TestSupport
import Tensors
import Testing

@Suite struct CurvatureTests {
    @Test func conjugateGradientsSolveExactly() {
        var dice = Dice(state: 1)
        let n = 8
        let root = (0..<n * n).map { _ in Double.random(in: -1...1, using: &dice) }
        // A = R Rᵀ + 0.1
        func product(_ v: [Double]) -> [Double] {
            var result = v.map { 0.1 * $0 }
            for column in 0..<n {
                var inner = 0.0
                for row in 0..<n { inner += root[row * n + column] * v[row] }
                for row in 0..<n { result[row] += root[row * n + column] * inner }
            }
            return result
        }
        let b = (0..<n).map { _ in Double.random(in: -1...1, using: &dice) }
        let x = conjugateGradients(b, iterations: 2 * n, tolerance: 1e-24, product: product)
        for (a, b) in zip(product(x), b) { #expect(abs(a - b) < 1e-9) }
        // Two different eigenvalues: two products.
        var products = 0
        let exact = conjugateGradients([1, 2, 3], iterations: 10, tolerance: 1e-20) {
            products += 1
            return [2 * $0[0], 5 * $0[1], 2 * $0[2]]
        }
        #expect(products == 2)
        for (a, b) in zip(exact, [0.5, 0.4, 1.5]) { #expect(abs(a - b) < 1e-12) }
        #expect(conjugateGradients([0, 0], product: { $0 }) == [0, 0])
    }

    /// (1/N) Σ_o Σ_a π(a | o) ∇log π ∇log πᵀ v, written out with central differences in double precision.
    static func fisher(_ net: DoubleNetwork, _ rows: [[Double]], _ w: [Double], _ v: [Double]) -> [Double] {
        var product = [Double](repeating: 0, count: w.count)
        for row in rows {
            let gradients = logProbGradients(net, row, w)
            let probabilities = net(row, w).logProbs.map(expOf)
            for (p, gradient) in zip(probabilities, gradients) {
                var along = 0.0
                for k in w.indices { along += gradient[k] * v[k] }
                for k in w.indices { product[k] += p * along * gradient[k] / Double(rows.count) }
            }
        }
        return product
    }

    /// ∇log π(a | o) for every action.
    static func logProbGradients(_ net: DoubleNetwork, _ row: [Double], _ w: [Double]) -> [[Double]] {
        var gradients = [[Double]](repeating: Array(repeating: 0, count: w.count), count: net.actions)
        for k in w.indices {
            var (up, down) = (w, w)
            up[k] += 1e-5
            down[k] -= 1e-5
            for (a, (high, low)) in zip(net(row, up).logProbs, net(row, down).logProbs).enumerated() {
                gradients[a][k] = (high - low) / 2e-5
            }
        }
        return gradients
    }

    @Test func fisherProductIsTheExplicitOne() {
        var dice = Dice(state: 2)
        let net = DoubleNetwork(observations: 3, hidden: 5, actions: 4)
        let network = TestSupport.network(observations: 3, actions: 4, hidden: [5])
        let batch = randomBatch(steps: 4, slots: 3, observations: 3, actions: 4, &dice)
        let weights = Weights(network.layout)
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] = Float.random(in: -0.7...0.7, using: &dice) } }
        let observations = batch.observation.vectors.values.map(Double.init)
        let rows = (0..<batch.frames).map { Array(observations[($0 * 3)..<($0 * 3 + 3)]) }
        let product = FisherProduct(network, batch, at: weights)
        for scale in [1.0, 1e-4, 300] {
            let v = weights.flat.values.map { _ in scale * Double.random(in: -1...1, using: &dice) }
            let (found, expected) = (product(v), Self.fisher(net, rows, weights.flat.values.map(Double.init), v))
            let size = expected.map(abs).max()!
            for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-3 * size, "\(a) against \(b)") }
            // The value head is the last 6 numbers.
            #expect(found.suffix(6).allSatisfy { $0 == 0 })
        }
        #expect(product([Double](repeating: 0, count: weights.flat.count)).allSatisfy { $0 == 0 })
    }

    /// A linear normal policy, whose Jacobian is the observations: 1/σ² x xᵀ for each mean's weights, 2 for log σ.
    @Test func normalPolicies() throws {
        var dice = Dice(state: 3)
        let network = try ActorCritic(
            observation: .box(shape: [2]), action: .box(shape: [2], low: -1, high: 1), NetworkSettings(hidden: []))
        let builder = RolloutBuilder(observation: .box(shape: [2]), action: network.actionSpace, steps: 3, slots: 1)
        for t in 0...3 { for k in 0..<2 { builder.observation(t, as: Float.self)[k] = Float.random(in: -1...1, using: &dice) } }
        for t in 0..<3 {
            builder.action(t, as: Float.self).update(repeating: 0)
            (builder.behaviourLogProb(t)[0], builder.reward(t)[0], builder.terminated(t)[0], builder.truncated(t)[0]) = (0, 0, 0, 0)
        }
        let data = batch([builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0)])
        let weights = Weights(network.layout)
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] = Float.random(in: -0.7...0.7, using: &dice) } }
        // policy.weight [2, 2], policy.bias [2], log σ [2], value head.
        let v = weights.flat.values.map { _ in Double.random(in: -1...1, using: &dice) }
        let deviations = weights.flat.values[6..<8].map { expOf(-2 * Double($0)) }
        var expected = [Double](repeating: 0, count: v.count)
        for t in 0..<3 {
            let x = (0..<2).map { Double(data.observation.vectors.values[t * 2 + $0]) }
            for a in 0..<2 {
                let along = (v[2 * a] * x[0] + v[2 * a + 1] * x[1] + v[4 + a]) * deviations[a] / 3
                expected[2 * a] += along * x[0]
                expected[2 * a + 1] += along * x[1]
                expected[4 + a] += along
            }
        }
        for a in 0..<2 { expected[6 + a] = 2 * v[6 + a] }
        for (a, b) in zip(FisherProduct(network, data, at: weights)(v), expected) { #expect(abs(a - b) < 1e-3, "\(a) against \(b)") }
    }

    /// With a memory: symmetric, and half of vᵀFv is what the divergence grows by.
    @Test func policiesWithMemory() throws {
        var dice = Dice(state: 4)
        var settings = NetworkSettings(hidden: [6])
        (settings.memory, settings.memoryWidth) = (.gru, 5)
        let network = try ActorCritic(observation: .box(shape: [3]), action: .discrete(4), settings)
        let data = recurrentBatch(network, steps: 6, slots: 2, ends: [5], &dice)
        let weights = network.initialWeights(seed: 3)
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] += Float.random(in: -0.3...0.3, using: &dice) } }
        let product = FisherProduct(network, data, at: weights)
        func vector() -> [Double] { weights.flat.values.map { _ in Double.random(in: -1...1, using: &dice) } }
        func inner(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0.0) { (sum: Double, pair: (Double, Double)) in sum + pair.0 * pair.1 } }
        let (u, v) = (vector(), vector())
        let (left, right) = (inner(u, product(v)), inner(product(u), v))
        #expect(abs(left - right) < 2e-3 * (inner(u, product(u)) * inner(v, product(v))).squareRoot())
        func evaluate(_ step: Double) -> PolicyOutput {
            let moved = weights.copy()
            moved.flat.withMutableBuffer { for k in $0.indices { $0[k] += Float(step * v[k]) } }
            return Evaluation(data, network, parameters: moved.parameters(), constants: moved.parameters()).output
        }
        let step = 0.02
        let growth = [step, -step].reduce(0.0) {
            $0 + Double(mean(network.distribution.klDivergence(evaluate(0), evaluate($1))).scalar)
        }
        #expect(abs(growth / (step * step) / inner(v, product(v)) - 1) < 0.02)
    }
}

/// A random batch of a network with memory and three observed numbers; `ends` are steps t · slots + n that terminate.
func recurrentBatch(_ network: ActorCritic, steps: Int, slots: Int, ends: Set<Int>, _ dice: inout Dice) -> RolloutBatch {
    let builder = RolloutBuilder(
        observation: network.observationSpace, action: network.actionSpace, stateCount: network.stateCount, steps: steps, slots: slots)
    let width = network.observationSpace.count
    for t in 0...steps { for k in 0..<slots * width { builder.observation(t, as: Float.self)[k] = Float.random(in: -1...1, using: &dice) } }
    for k in 0..<slots * network.stateCount { builder.recurrentState[k] = Float.random(in: -0.5...0.5, using: &dice) }
    for t in 0..<steps {
        for slot in 0..<slots {
            builder.action(t, as: Int32.self)[slot] = Int32.random(in: 0..<2, using: &dice)
            (builder.behaviourLogProb(t)[slot], builder.reward(t)[slot]) = (-0.7, Float.random(in: -1...1, using: &dice))
            let ended = ends.contains(t * slots + slot)
            (builder.terminated(t)[slot], builder.truncated(t)[slot]) = (ended ? 1 : 0, 0)
            guard ended else { continue }
            [Float](repeating: 0.1, count: width).withUnsafeBytes {
                builder.appendEnded(step: t, slot: slot, finalObservation: $0, episodeReturn: 1, length: 1)
            }
        }
    }
    return batch([builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0)])
}
