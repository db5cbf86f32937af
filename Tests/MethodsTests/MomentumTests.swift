import Methods
import Networks
import Rollouts
import TestSupport
import Tensors
import Testing

@Suite struct MomentumTests {
    private let network = TestSupport.network(observations: 3, actions: 3, hidden: [4])
    private func moment(_ version: Int) -> Moment { Moment(version: UInt64(version), learningRate: 0.01) }
    /// ∇ of −½ θᵀ H θ + bᵀ θ
    private func gradient(_ x: [Float]) -> [Float] { [0.5 - 2 * x[0] - 0.3 * x[1], -0.2 - 0.3 * x[0] - x[1]] }

    @Test func transportIsExactOnAQuadratic() {
        var theta: [Float] = [1, -1]
        var transport = ImplicitGradientTransport(MomentumSchedule(momentumPower: 0.8, stepPower: 0.5), from: theta)
        for _ in 0..<40 {
            let exact = gradient(theta)
            transport.step(&theta, gradient: gradient(transport.lookahead(theta)), rate: 0.1)
            #expect(deviation(transport.direction, exact) < 1e-4)
        }
        var aided: [Float] = [1, -1]
        var momentum = HessianAidedMomentum(MomentumSchedule(momentumPower: 1, stepPower: 0.5), isNormalized: false, from: aided)
        for t in 0..<40 {
            let u = momentum.movement(aided)
            if t > 0 { momentum.transport([-2 * u[0] - 0.3 * u[1], -0.3 * u[0] - u[1]]) }
            let exact = gradient(aided)
            momentum.step(&aided, gradient: exact, rate: 0.1)
            #expect(deviation(momentum.direction, exact) < 1e-5)
        }
        let between = momentum.between([3, 0], q: 0.25)
        #expect(between == [0.75 + 0.75 * momentum.previous[0], 0.75 * momentum.previous[1]])
    }

    @Test func schedulesAreThePapers() {
        let schedule = MomentumSchedule(momentumPower: 0.8, minimumMomentum: 0.1, stepPower: 1)
        #expect(schedule.momentum(0) == 1 && schedule.step(0, rate: 0.3) == 0.3)
        #expect(abs(schedule.momentum(6) - 0.3298769777) < 1e-6 && abs(schedule.step(6, rate: 0.4) - 0.1) < 1e-7)
        #expect(schedule.momentum(10_000) == 0.1)
    }

    /// The gradient of the expected return as A2C has it, of the policy's parameters alone.
    private func policyGradient(_ batch: RolloutBatch, _ weights: Weights) -> [Float] {
        let copy = weights.copy()
        let tape = Tape()
        let method = Method.a2c(discount: 0.99, lambda: 1, entropy: 0, value: 0)
        tape.backward(method.loss(batch, network: network, parameters: copy.parameters(on: tape), constants: copy.parameters()).loss)
        return copy.gradient.values.map { -$0 }
    }

    /// Without momentum: steps of a fixed length along the policy gradient, and the actors follow the target policy.
    @Test func withoutMomentumItIsTheNormalizedPolicyGradient() throws {
        var dice = Dice(state: 1)
        let algorithms: [any Algorithm] = [
            NPGIGT(step: 0.05, momentumPower: 0, stepPower: 0), HARPG(isNormalized: true, step: 0.05, momentumPower: 0, stepPower: 0),
        ]
        for algorithm in algorithms {
            let learner = algorithm.start(network)
            for version in 0..<4 {
                let batch = randomBatch(steps: 5, slots: 3, observations: 3, actions: 3, terminated: [4], truncated: [8], &dice)
                // Of HARPG every second batch only carries the momentum.
                let steps = algorithm is NPGIGT || version % 2 == 0
                let (before, gradient) = (learner.weights.flat.values, policyGradient(batch, learner.behaviour))
                _ = try learner.update(batch, at: moment(version))
                guard steps else { continue }
                var square = 0.0
                for g in gradient { square += Double(g) * Double(g) }
                let norm = Float(square.squareRoot())
                // The policy is everything but the value head's 5 numbers.
                for k in 0..<before.count - 5 {
                    let moved = learner.weights.flat.values[k] - before[k]
                    #expect(abs(moved - 0.05 * gradient[k] / norm) < 1e-6)
                }
                if algorithm is NPGIGT { #expect(learner.behaviour.flat.values == learner.weights.flat.values) }
            }
        }
    }

    /// The actors' policy is ahead of the target policy by (1 − η)/η of its last step.
    @Test func actorsActAhead() throws {
        var dice = Dice(state: 2)
        let learner = NPGIGT(step: 0.05, momentumPower: 1, stepPower: 0).start(network)
        var weights = [learner.weights.flat.values]
        for version in 0..<3 {
            let batch = randomBatch(steps: 5, slots: 3, observations: 3, actions: 3, &dice)
            _ = try learner.update(batch, at: moment(version))
            weights.append(learner.weights.flat.values)
            // η_t = 2/(t + 2), so (1 − η)/η = t/2.
            let factor = Float(version + 1) / 2
            for k in 0..<weights[0].count - 5 {
                let expected = weights[version + 1][k] + factor * (weights[version + 1][k] - weights[version][k])
                #expect(abs(learner.behaviour.flat.values[k] - expected) < 1e-6)
            }
            #expect(learner.behaviour.flat.values.suffix(5) == learner.weights.flat.values.suffix(5))
        }
    }

    /// B u against nested central differences of Σ w ∇Φ in double precision.
    @Test func hessianProductIsTheWrittenOne() throws {
        var dice = Dice(state: 3)
        let net = DoubleNetwork(observations: 3, hidden: 4, actions: 3)
        let learner = HARPG(isNormalized: true, discount: 0.9, lambda: 0.7, step: 0.3, stepPower: 0).start(network)
        learner.weights.flat.withMutableBuffer { for k in $0.indices { $0[k] = Float.random(in: -0.7...0.7, using: &dice) } }
        learner.behaviour.flat.withMutableBuffer { _ = $0.update(fromContentsOf: learner.weights.flat.values) }
        let first = randomBatch(steps: 4, slots: 2, observations: 3, actions: 3, &dice)
        let previous = learner.weights.flat.values
        _ = try learner.update(first, at: moment(0))
        let policy = previous.count - 5
        let newest = learner.weights.flat.values
        var u = [Double](repeating: 0, count: previous.count)
        for k in 0..<policy { u[k] = Double(newest[k] - previous[k]) }
        // θ^ lies between the last two policies.
        let point = learner.behaviour.flat.values.map(Double.init)
        let q = (point[0] - Double(previous[0])) / u[0]
        #expect(q > -1e-3 && q < 1)
        for k in 0..<policy { #expect(abs(point[k] - Double(previous[k]) - q * u[k]) < 1e-5) }

        let second = randomBatch(steps: 4, slots: 2, observations: 3, actions: 3, terminated: [2], &dice)
        let evaluation = Evaluation(
            second, network, parameters: learner.behaviour.parameters(), constants: learner.behaviour.parameters())
        var advantage = [Double](repeating: 0, count: 8)
        for slot in 0..<2 {
            var following = 0.0
            for t in (0..<4).reversed() {
                let index = t * 2 + slot
                let d = second.terminated[index] != 0 ? 0 : 0.9
                let target = Double(second.reward.values[index]) + d * Double(evaluation.nextValue.values[index])
                following = target - Double(evaluation.value.values[index]) + d * 0.7 * following
                advantage[index] = following
            }
        }
        let observations = second.observation.vectors.values.map(Double.init)
        func logProb(_ index: Int, _ w: [Double]) -> Double {
            net(Array(observations[(index * 3)..<(index * 3 + 3)]), w).logProbs[Int(second.choices[index])]
        }
        // Slot 0 holds two sequences, of steps 0–1 and 2–3.
        let sequences = [[0, 2], [4, 6], [1, 3, 5, 7]]
        func weightedGradient(_ w: [Double]) -> [Double] {
            var total = [Double](repeating: 0, count: w.count)
            for sequence in sequences {
                var logRatio = 0.0
                for index in sequence { logRatio += logProb(index, w) - logProb(index, point) }
                let ratio = expOf(logRatio)
                for k in 0..<policy {
                    var (up, down) = (w, w)
                    up[k] += 1e-4
                    down[k] -= 1e-4
                    for index in sequence {
                        let slope = (logProb(index, up) - logProb(index, down)) / 2e-4
                        total[k] += ratio * advantage[index] * slope / 8
                    }
                }
            }
            return total
        }
        func direction() throws -> [Float] {
            try #require(learner.state.first { $0.name == "harpg.direction" }).bytes.array(of: Float.self)
        }
        let before = try direction()
        _ = try learner.update(second, at: moment(1))
        let change = zip(try direction(), before).map { Double($0 - $1) }
        let ahead = weightedGradient(zip(point, u).map { $0 + 0.01 * $1 })
        let behind = weightedGradient(zip(point, u).map { $0 - 0.01 * $1 })
        let expected = zip(ahead, behind).map { ($0 - $1) / 0.02 }
        let size = expected.map(abs).max()!
        #expect(size > 1e-3)
        for k in change.indices { #expect(abs(change[k] - expected[k]) < 2e-3 * size, "\(change[k]) against \(expected[k])") }
        // Only d was carried on: the target policy acts next.
        #expect(learner.behaviour.flat.values.prefix(policy) == learner.weights.flat.values.prefix(policy))
    }

    /// The expectation of B over the actions is the second derivative of the expected reward, which Σ A ∇² log π alone is not.
    @Test func hessianProductIsUnbiasedOnABandit() throws {
        let table = table(states: 1, actions: 3)
        let rewards: [Float] = [1, -0.5, 0.2]
        let learner = HARPG(isNormalized: true, step: 1e-2, stepPower: 0).start(table)
        clear(learner)
        let batch = everyAction([rewards])
        _ = try learner.update(batch, at: moment(0))
        let u = learner.weights.flat.values.prefix(3).map(Double.init)
        // The bias moves every logit as its weight does.
        let logits = zip(u, learner.weights.flat.values[3..<6]).map { $0 + Double($1) }
        // The value head has learned a little: give the second batch its zero again.
        for weights in [learner.weights, learner.behaviour] { weights.flat.withMutableBuffer { for k in 6..<8 { $0[k] = 0 } } }
        let before = try #require(learner.state.first { $0.name == "harpg.direction" }).bytes.array(of: Float.self)
        _ = try learner.update(batch, at: moment(1))
        let after = try #require(learner.state.first { $0.name == "harpg.direction" }).bytes.array(of: Float.self)
        // J = Σ π r: ∇J_a = π_a (r_a − J); its derivative along the logits at the uniform policy.
        func gradient(_ z: [Double]) -> [Double] {
            let weights = z.map(expOf)
            let total = weights.reduce(0, +)
            var value = 0.0
            for a in 0..<3 { value += weights[a] / total * Double(rewards[a]) }
            return (0..<3).map { weights[$0] / total * (Double(rewards[$0]) - value) }
        }
        let expected = zip(gradient(logits.map { 0.01 * $0 }), gradient(logits.map { -0.01 * $0 })).map { ($0 - $1) / 0.02 }
        let size = expected.map(abs).max()!
        // θ^ is a hundredth away from the uniform policy, whose batch this is.
        for a in 0..<3 { #expect(abs(Double(after[a] - before[a]) - expected[a]) < 0.03 * size) }
    }

    @Test func survivesARestart() throws {
        var dice = Dice(state: 4)
        var settings = NetworkSettings(hidden: [6])
        (settings.memory, settings.memoryWidth) = (.gru, 5)
        let recurrent = try ActorCritic(observation: .box(shape: [3]), action: .discrete(2), settings)
        let batches = (0..<7).map { _ in recurrentBatch(recurrent, steps: 6, slots: 3, ends: [7], &dice) }
        for middle in [3, 4] {
            #expect(try survivesRestart(NPGIGT(), recurrent, batches, at: middle))
            #expect(try survivesRestart(HARPG(isNormalized: true), recurrent, batches, at: middle))
            #expect(try survivesRestart(HARPG(isNormalized: false), recurrent, batches, at: middle))
        }
    }

    @Test func aBadBatchChangesNothing() throws {
        var dice = Dice(state: 5)
        for algorithm in [NPGIGT() as any Algorithm, HARPG(isNormalized: true)] {
            let learner = algorithm.start(network)
            for version in 0..<2 {
                var batch = randomBatch(steps: 4, slots: 2, observations: 3, actions: 3, &dice)
                _ = try learner.update(batch, at: moment(version))
                func everything() -> [[UInt8]] { learner.state.map { $0.bytes.array(of: UInt8.self) } }
                let before = (learner.weights.flat.values, everything())
                batch.reward = Tensor([Float](repeating: .nan, count: 8), [4, 2])
                #expect(throws: NonFiniteGradient.self) { try learner.update(batch, at: moment(version + 1)) }
                #expect(learner.weights.flat.values == before.0 && everything() == before.1)
            }
        }
    }
}
