import Methods
import Networks
import Rollouts
import Tensors
import Testing

@Suite struct ACERTests {
    private let actions = 4

    private func network(_ edit: (inout NetworkSettings) -> Void = { _ in }) throws -> ActorCritic {
        var settings = NetworkSettings(hidden: [5])
        edit(&settings)
        return try ActorCritic(observation: .box(shape: [3]), action: .discrete(actions), settings, valuesActions: true)
    }

    private func weights(_ network: ActorCritic, _ dice: inout Dice) -> Weights {
        let weights = Weights(network.layout)
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] = Float.random(in: -0.7...0.7, using: &dice) } }
        return weights
    }

    private func method(_ edit: (inout ACER) -> Void = { _ in }) -> ACER {
        var method = ACER.standard(discount: 0.9)
        edit(&method)
        return method
    }

    /// The batch with a behaviour policy: these logits of every step, and the log-probabilities that belong to them.
    private func acted(_ batch: RolloutBatch, _ logits: Tensor) -> RolloutBatch {
        RolloutBatch(
            steps: batch.steps, slots: batch.slots, parts: batch.parts, observation: batch.observation, action: batch.action,
            behaviourLogProb: gather(logSoftmax(logits), batch.choices).reshaped([batch.steps, batch.slots]), reward: batch.reward,
            terminated: batch.terminated, truncated: batch.truncated, finalIndex: batch.finalIndex, finalObservation: batch.finalObservation,
            episodeReturns: [], episodeLengths: [], recurrentState: batch.recurrentState, behaviourPolicy: logits, weight: batch.weight,
            keys: [], burnIn: 0)
    }

    private func random(_ rows: Int, _ dice: inout Dice, _ range: ClosedRange<Float> = -1.5...1.5) -> Tensor {
        Tensor((0..<rows * actions).map { _ in Float.random(in: range, using: &dice) }, [rows, actions])
    }

    @Test func valuesAreThoseOfThePolicy() throws {
        var dice = Dice(state: 1)
        let network = try network()
        let weights = weights(&dice, network)
        let output = network(Observations(Tensor([0.1, 0.5, -0.3, 1, 0, -1], [2, 3]), network.observationSpace), weights.parameters())
        let (q, probabilities) = (try #require(output.actionValues).values, exp(logSoftmax(output.policy)).values)
        for row in 0..<2 {
            let value = (0..<actions).reduce(Float(0)) { $0 + probabilities[row * actions + $1] * q[row * actions + $1] }
            #expect(abs(output.value.values[row] - value) < 1e-6)
        }
        #expect(network.layout.specs.map(\.name).suffix(2) == ["action_value.weight", "action_value.bias"] && network.valuesActions)
        #expect(throws: NetworkError.self) {
            try ActorCritic(observation: .box(shape: [3]), action: .box(shape: [1], low: -1, high: 1), valuesActions: true)
        }
    }

    private func weights(_ dice: inout Dice, _ network: ActorCritic) -> Weights { weights(network, &dice) }

    /// On a bandit, whose values Q knows: the expectation over μ of the truncated part and the correction is the exact gradient of the
    /// expected reward, π(a) (Q(a) − V), for every c.
    @Test(arguments: [0.05, 0.5, 1, 3, 10, Float.infinity]) func theCorrectionIsExact(truncation: Float) {
        var dice = Dice(state: 7)
        for _ in 0..<20 {
            let (pi, mu, q) = (logSoftmax(random(1, &dice)), logSoftmax(random(1, &dice, -3...3)), random(1, &dice).values)
            let (p, m) = (exp(pi).values.map(Double.init), exp(mu).values.map(Double.init))
            let v = zip(p, q).reduce(0.0) { $0 + $1.0 * Double($1.1) }
            let method = method { ($0.truncation, $0.trustRegion, $0.entropy) = (truncation, .infinity, 0) }
            var expected = [Double](repeating: 0, count: actions)
            for action in 0..<actions {
                let direction = method.direction(
                    logProbs: pi, average: pi, ratios: exp(pi - mu), actions: [Int32(action)], q: Tensor(q, [1, actions]),
                    stateValue: Tensor([Float(v)], [1]), target: Tensor([q[action]], [1]))
                for (k, z) in direction.z.values.enumerated() { expected[k] += m[action] * Double(z) }
            }
            for k in 0..<actions { #expect(abs(expected[k] - p[k] * (Double(q[k]) - v)) < 1e-5, "c \(truncation), action \(k)") }
        }
    }

    /// π = μ: nothing is truncated and nothing corrected, and the gradient is the plain one with Q̂ − V as advantage.
    @Test func onPolicyItIsThePolicyGradient() throws {
        var dice = Dice(state: 3)
        let network = try network()
        let weights = weights(network, &dice)
        let random = randomBatch(steps: 5, slots: 3, observations: 3, actions: actions, terminated: [4], truncated: [7, 14], &dice)
        let output = network(random.observation.rows(0..<15), weights.parameters())
        let batch = acted(random, output.policy)
        let method = method { ($0.trustRegion, $0.entropy, $0.value) = (.infinity, 0, 0) }
        func gradient(_ loss: (Parameters) -> Tensor) -> [Float] {
            weights.zeroGradient()
            let tape = Tape()
            tape.backward(loss(weights.parameters(on: tape)))
            return weights.gradient.values
        }
        var metrics: [String: Float] = [:]
        let found = gradient { parameters in
            let (loss, found) = method.loss(
                batch, network: network, parameters: parameters, constants: weights.parameters(), average: weights.parameters())
            metrics = Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0.value) })
            return loss
        }
        #expect(metrics["correction"] == 0 && abs(metrics["rho_mean"]! - 1) < 1e-6 && metrics["average_kl"]! < 1e-6)
        let target = written(batch, network, weights, lambda: 1)
        let advantage = Tensor(zip(target, output.value.values).map { Float($0) - $1 }, [15])
        let plain = gradient { parameters in
            let output = network(batch.observation.rows(0..<15), parameters)
            return -mean(Categorical(logits: output.policy).logProb(of: batch.choices) * advantage)
        }
        #expect(deviation(found, plain) < 1e-5)
        // Q moves towards the target.
        let value = gradient { parameters in
            self.method { ($0.value, $0.trustRegion, $0.entropy, $0.truncation) = (1, .infinity, 0, 1) }.loss(
                batch, network: network, parameters: parameters, constants: weights.parameters(), average: weights.parameters()
            ).loss
        }
        let squared = gradient { parameters in
            let q = network(batch.observation.rows(0..<15), parameters).actionValues!
            return mean(square(Tensor(target.map(Float.init), [15]) - gather(q, batch.choices))) * 0.5
        }
        #expect(deviation(value, zip(plain, squared).map(+)) < 1e-5)
    }

    /// Retrace written out in double precision, one slot after the other.
    private func written(_ batch: RolloutBatch, _ network: ActorCritic, _ weights: Weights, lambda: Double) -> [Double] {
        let (steps, slots) = (batch.steps, batch.slots)
        func row(_ observation: Observations, _ k: Int) -> (q: [Double], v: Double, logProbs: [Double]) {
            let output = network(observation.rows(k..<k + 1), weights.parameters())
            return (output.actionValues!.values.map(Double.init), Double(output.value.scalar1), logSoftmax(output.policy).values.map(Double.init))
        }
        let behaviour = logSoftmax(batch.behaviourPolicy).values.map(Double.init)
        var target = [Double](repeating: 0, count: steps * slots)
        for n in 0..<slots {
            for t in (0..<steps).reversed() {
                let index = t * slots + n
                var following = 0.0
                if batch.truncated[index] != 0 {
                    following = row(batch.finalObservation, batch.finalIndex.firstIndex(of: Int32(index))!).v
                } else if batch.terminated[index] == 0 {
                    let next = row(batch.observation, index + slots)
                    following = next.v
                    if t < steps - 1 {
                        let action = Int(batch.choices[index + slots])
                        let ratio = expOf(next.logProbs[action] - behaviour[(index + slots) * actions + action])
                        following += lambda * min(1, ratio) * (target[index + slots] - next.q[action])
                    }
                }
                target[index] = Double(batch.reward.values[index]) + 0.9 * following
            }
        }
        return target
    }

    @Test(arguments: [0, 0.7, 1]) func retraceIsAsWrittenOut(lambda: Double) throws {
        var dice = Dice(state: 11)
        let network = try network()
        let weights = weights(network, &dice)
        let batch = acted(
            randomBatch(steps: 6, slots: 3, observations: 3, actions: actions, terminated: [4, 12], truncated: [7, 15, 2], &dice),
            random(18, &dice))
        let policy = Evaluation(batch, network, parameters: weights.parameters(), constants: weights.parameters())
        let q = try #require(policy.output.actionValues)
        let found = retrace(
            batch, discount: 0.9, lambda: Float(lambda), ratios: importanceRatios(policy.logProb, behaviour: batch.behaviourLogProb),
            values: gather(q, batch.choices).reshaped([6, 3]), stateValues: policy.value, nextStateValues: policy.nextValue)
        for (a, b) in zip(found.values, written(batch, network, weights, lambda: lambda)) { #expect(abs(Double(a) - b) < 1e-5) }
    }

    /// One state, reward 1, every tenth step truncated: the fixed point of Q is 1 / (1 − γ).
    @Test func theInfiniteLoop() throws {
        let fixed = Float(1 / (1 - 0.9))
        var dice = Dice(state: 2)
        let random = randomBatch(steps: 20, slots: 1, observations: 3, actions: actions, truncated: [9, 19], &dice)
        var batch = acted(random, self.random(20, &dice))
        batch.reward = Tensor([Float](repeating: 1, count: 20), [20, 1])
        let values = Tensor([Float](repeating: fixed, count: 20), [20, 1])
        let ratios = Tensor((0..<20).map { Float($0 % 4) / 2 }, [20, 1])
        let found = retrace(batch, discount: 0.9, lambda: 1, ratios: ratios, values: values, stateValues: values, nextStateValues: values)
        #expect(found.values.allSatisfy { abs($0 - fixed) < 1e-5 })
    }

    /// Inside the trust region g is left alone; outside, z is the nearest direction on its border: k · z = δ, and z − g along k.
    @Test func theTrustRegion() {
        var dice = Dice(state: 5)
        let (rows, delta) = (200, Float(0.05))
        let (pi, average, mu) = (logSoftmax(random(rows, &dice)), logSoftmax(random(rows, &dice)), logSoftmax(random(rows, &dice)))
        let chosen = (0..<rows).map { _ in Int32.random(in: 0..<Int32(actions), using: &dice) }
        let q = random(rows, &dice)
        let v = Tensor((0..<rows).map { _ in Float.random(in: -1...1, using: &dice) }, [rows])
        let target = Tensor((0..<rows).map { _ in Float.random(in: -3...3, using: &dice) }, [rows])
        func direction(_ delta: Float) -> ACER.Direction {
            method { ($0.trustRegion, $0.truncation, $0.entropy) = (delta, 2, 0.1) }.direction(
                logProbs: pi, average: average, ratios: exp(pi - mu), actions: chosen, q: q, stateValue: v, target: target)
        }
        let (free, bound) = (direction(.infinity), direction(delta))
        let k = (exp(pi) - exp(average)).values
        var outside = 0
        for row in 0..<rows {
            let own = row * actions..<(row + 1) * actions
            func along(_ x: Tensor) -> Float { zip(k[own], x.values[own]).reduce(0) { $0 + $1.0 * $1.1 } }
            if along(free.z) <= delta {
                #expect(Array(free.z.values[own]) == Array(bound.z.values[own]))
                continue
            }
            outside += 1
            #expect(abs(along(bound.z) - delta) < 1e-4)
            let square = k[own].reduce(0) { $0 + $1 * $1 }
            let scale = (along(free.z) - delta) / square
            for index in own { #expect(abs(bound.z.values[index] - (free.z.values[index] - scale * k[index])) < 1e-4) }
        }
        #expect(outside > 20 && bound.limited == Float(outside) / Float(rows) && free.limited == 0)
        // Directions of logits do not change their sum.
        for row in 0..<rows { #expect(abs(bound.z.values[(row * actions)..<((row + 1) * actions)].reduce(0, +)) < 1e-4) }
    }

    @Test(arguments: [MemoryKind.none, .gru]) func theAverageFollowsAndSurvivesARestart(_ memory: MemoryKind) throws {
        var dice = Dice(state: 9)
        let network = try network { ($0.memory, $0.memoryWidth) = (memory, 4) }
        let batches = (0..<6).map { _ -> RolloutBatch in
            let batch = randomBatch(steps: 4, slots: 2, observations: 3, actions: actions, terminated: [3], truncated: [4], &dice)
            let states = Tensor((0..<2 * network.stateCount).map { _ in Float.random(in: -1...1, using: &dice) }, [2, network.stateCount])
            return acted(batch, random(8, &dice)).entered(with: states)
        }
        let method = method { ($0.averaging, $0.trustRegion) = (0.75, 0.01) }
        let learner = try method.learner(LearnerSetting(network: network, seed: 4))
        let average = learner.weights.copy()
        var resumed: (any Learner)?
        for (index, batch) in batches.enumerated() {
            let expected = method.loss(
                batch, network: network, parameters: learner.weights.parameters(), constants: learner.weights.parameters(),
                average: average.parameters())
            let moment = Moment(version: UInt64(index), learningRate: 0.02)
            let report = try learner.update(batch, at: moment)
            #expect(report.loss == expected.loss.scalar)
            learner.weights.flat.withBuffer { new in average.flat.withMutableBuffer { for k in $0.indices { $0[k] = 0.75 * $0[k] + 0.25 * new[k] } } }
            if let resumed {
                #expect(try resumed.update(batch, at: moment).loss == report.loss)
                #expect(resumed.weights.flat.values == learner.weights.flat.values)
            }
            if index == 3 {
                let other = try method.learner(LearnerSetting(network: network, seed: 99))
                let values = learner.weights.flat.values
                other.weights.flat.withMutableBuffer { _ = $0.update(fromContentsOf: values) }
                try other.restore(learner.state)
                resumed = other
            }
        }
    }

    @Test func theNetworkMustValueActions() throws {
        let plain = try ActorCritic(observation: .box(shape: [3]), action: .discrete(4))
        #expect(throws: MethodError.self) { try method().learner(LearnerSetting(network: plain)) }
        let entry = try MethodCatalogue.standard.method(id: "acer")
        let acer = try #require(entry.defaults as? ACER)
        #expect(acer.needsBehaviourPolicy && acer.networkID == "actor_q" && acer.data.trainsOnLive && acer.data.replay?.ratio == 4)
        #expect(acer.truncation == 10 && acer.trustRegion == 1 && acer.averaging == 0.99)
        let options: [String: Double] = [
            "discount": 0.5, "lambda": 0.25, "truncation": 2, "trust_region": 0, "averaging": 0.125, "entropy": 0.75, "value": 3,
        ]
        #expect(Set(options.keys) == Set(entry.options.map(\.name)))
        let changed = try #require(MethodCatalogue.standard.make(id: "acer", options: options) as? ACER)
        #expect(changed.discount == 0.5 && changed.lambda == 0.25 && changed.truncation == 2 && changed.trustRegion == .infinity)
        #expect(changed.averaging == 0.125 && changed.entropy == 0.75 && changed.value == 3)
    }
}

extension Tensor {
    /// The only value, whatever the shape.
    fileprivate var scalar1: Float { values[0] }
}

extension RolloutBatch {
    /// The same, entered with other recurrent states.
    fileprivate func entered(with states: Tensor) -> RolloutBatch {
        RolloutBatch(
            steps: steps, slots: slots, parts: parts, observation: observation, action: action, behaviourLogProb: behaviourLogProb,
            reward: reward, terminated: terminated, truncated: truncated, finalIndex: finalIndex, finalObservation: finalObservation,
            episodeReturns: episodeReturns, episodeLengths: episodeLengths, recurrentState: states, behaviourPolicy: behaviourPolicy,
            weight: weight, keys: keys, burnIn: burnIn)
    }
}
