import Methods
import Networks
import Rollouts
import TestSupport
import Tensors
import Testing

@Suite struct VTraceMethodTests {
    let observations = 3
    let hidden = 5
    let actions = 4
    var network: ActorCritic { TestSupport.network(observations: observations, actions: actions, hidden: [hidden]) }

    func weights(_ dice: inout Dice) -> Weights {
        let weights = Weights(network.layout)
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] = Float.random(in: -0.7...0.7, using: &dice) } }
        return weights
    }

    func evaluate(
        _ method: Method, _ batch: RolloutBatch, _ weights: Weights
    ) -> (loss: Float, metrics: [String: Float], gradient: [Float]) {
        weights.zeroGradient()
        let tape = Tape()
        let (loss, metrics) = method.loss(
            batch, network: network, parameters: weights.parameters(on: tape), constants: weights.parameters())
        tape.backward(loss)
        return (loss.scalar, Dictionary(uniqueKeysWithValues: metrics.map { ($0.name, $0.value) }), weights.gradient.values)
    }

    /// The loss written out step by step in double precision. Advantages, targets and ratios are constants made at `anchor`.
    func written(
        _ batch: RolloutBatch, anchor: [Double], discount: Double, lambda: Double, rhoBar: Double, cBar: Double, policyRhoBar: Double,
        entropy: Double, value: Double, normalizes: Bool
    ) -> (loss: ([Double]) -> Double, advantages: [Double]) {
        let net = DoubleNetwork(observations: observations, hidden: hidden, actions: actions)
        let (steps, slots) = (batch.steps, batch.slots)
        let all = batch.observation.vectors.values.map(Double.init)
        let finals = batch.finalObservation.vectors.values.map(Double.init)
        func row(_ t: Int, _ n: Int) -> [Double] { Array(all[((t * slots + n) * observations)..<((t * slots + n + 1) * observations)]) }
        var (advantages, targets) = ([Double](repeating: 0, count: steps * slots), [Double](repeating: 0, count: steps * slots))
        for n in 0..<slots {
            var following = 0.0
            for t in (0..<steps).reversed() {
                let index = t * slots + n
                let (logProbs, v) = net(row(t, n), anchor)
                let ratio = expOf(logProbs[Int(batch.choices[index])] - Double(batch.behaviourLogProb.values[index]))
                var successor = net(row(t + 1, n), anchor).value
                if batch.truncated[index] != 0 {
                    let k = batch.finalIndex.firstIndex(of: Int32(index))!
                    successor = net(Array(finals[(k * observations)..<((k + 1) * observations)]), anchor).value
                }
                if batch.truncated[index] != 0 || batch.terminated[index] != 0 { following = 0 }
                let d = batch.terminated[index] != 0 ? 0 : discount
                let reward = Double(batch.reward.values[index])
                advantages[index] = min(policyRhoBar, ratio) * (reward + d * (successor + lambda * following) - v)
                following = min(rhoBar, ratio) * (reward + d * successor - v) + d * lambda * min(cBar, ratio) * following
                targets[index] = v + following
            }
        }
        if normalizes {
            let mean = advantages.reduce(0, +) / Double(advantages.count)
            let variance = advantages.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(advantages.count)
            advantages = advantages.map { ($0 - mean) / (variance.squareRoot() + 1e-8) }
        }
        let (a, vs) = (advantages, targets)
        return ({ w in
            var total = 0.0
            for t in 0..<steps {
                for n in 0..<slots {
                    let index = t * slots + n
                    let (logProbs, v) = net(row(t, n), w)
                    total -= a[index] * logProbs[Int(batch.choices[index])]
                    total += value * 0.5 * (vs[index] - v) * (vs[index] - v)
                    total += entropy * logProbs.reduce(0) { $0 + expOf($1) * $1 }
                }
            }
            return total / Double(steps * slots)
        }, advantages)
    }

    @Test(arguments: [false, true])
    func lossAndGradientAreThoseWrittenOut(normalizes: Bool) {
        var dice = Dice(state: 21)
        let batch = randomBatch(
            steps: 5, slots: 3, observations: observations, actions: actions, terminated: [4, 12], truncated: [7, 13, 2], &dice)
        let weights = weights(&dice)
        let anchor = weights.flat.values.map(Double.init)
        let method = Method.vtrace(
            discount: 0.9, lambda: 0.8, rhoBar: 1.2, cBar: 0.9, policyRhoBar: 1.5, entropy: 0.05, value: 0.7,
            normalizesAdvantages: normalizes)
        let (loss, advantages) = written(
            batch, anchor: anchor, discount: 0.9, lambda: 0.8, rhoBar: 1.2, cBar: 0.9, policyRhoBar: 1.5, entropy: 0.05, value: 0.7,
            normalizes: normalizes)
        let result = evaluate(method, batch, weights)
        #expect(abs(Double(result.loss) - loss(anchor)) < 1e-5)
        // Central differences of the written-out loss.
        for k in anchor.indices {
            var (up, down) = (anchor, anchor)
            up[k] += 1e-5
            down[k] -= 1e-5
            let difference = (loss(up) - loss(down)) / 2e-5
            #expect(abs(Double(result.gradient[k]) - difference) < 2e-5, "parameter \(k): \(result.gradient[k]) against \(difference)")
        }
        if !normalizes {
            #expect(abs(Double(result.metrics["advantage_mean"]!) - advantages.reduce(0, +) / 15) < 1e-5)
        }
        // A sum in place of the mean scales everything by T · N.
        var summed = method
        summed.aggregate = .stepSum
        let sum = evaluate(summed, batch, weights)
        #expect(abs(sum.loss - 15 * result.loss) < 1e-4)
        #expect(deviation(sum.gradient, result.gradient.map { 15 * $0 }) < 1e-5)
        #expect(abs(sum.metrics["value_loss"]! - result.metrics["value_loss"]!) < 1e-5)
    }

    @Test func onPolicyItIsPlainActorCritic() {
        // With behaviour = target the bars do not matter as long as they are at least 1, and the target is the n-step return.
        var dice = Dice(state: 4)
        let weights = weights(&dice)
        let source = randomBatch(steps: 4, slots: 2, observations: observations, actions: actions, &dice)
        let (logits, value) = network(source.observation.vectors, weights.parameters())
        let logProb = Categorical(logits: logits.rows(0..<8)).logProb(of: source.choices).values
        let builder = RolloutBuilder(observation: .box(shape: [observations]), action: .discrete(2), steps: 4, slots: 2)
        for t in 0...4 { for k in 0..<6 { builder.observation(t, as: Float.self)[k] = source.observation.vectors.values[t * 6 + k] } }
        for t in 0..<4 {
            for b in 0..<2 {
                builder.action(t, as: Int32.self)[b] = source.choices[t * 2 + b]
                builder.behaviourLogProb(t)[b] = logProb[t * 2 + b]
                builder.reward(t)[b] = source.reward.values[t * 2 + b]
                (builder.terminated(t)[b], builder.truncated(t)[b]) = (0, 0)
            }
        }
        let onPolicy = batch([builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0)])
        let result = evaluate(Method.vtrace(discount: 0.9, entropy: 0), onPolicy, weights)

        var (policyLoss, valueLoss) = (Float(0), Float(0))
        for b in 0..<2 {
            var target = value.values[8 + b]
            for t in (0..<4).reversed() {
                target = onPolicy.reward.values[t * 2 + b] + 0.9 * target
                let error = target - value.values[t * 2 + b]
                policyLoss -= error * logProb[t * 2 + b] / 8
                valueLoss += error * error / 16
            }
        }
        #expect(abs(result.metrics["policy_loss"]! - policyLoss) < 1e-5)
        #expect(abs(result.metrics["value_loss"]! - valueLoss) < 1e-5)
        #expect(abs(result.loss - policyLoss - 0.5 * valueLoss) < 1e-5)
        #expect(abs(result.metrics["rho_mean"]! - 1) < 1e-5 && abs(result.metrics["effective_sample_size"]! - 1) < 1e-5)
        let loose = evaluate(Method.vtrace(discount: 0.9, rhoBar: 5, cBar: 5, policyRhoBar: 5, entropy: 0), onPolicy, weights)
        #expect(deviation(loose.gradient, result.gradient) < 1e-5)
    }

    @Test func metricsSayWhatTheyMean() {
        var dice = Dice(state: 9)
        let batch = randomBatch(steps: 6, slots: 4, observations: observations, actions: actions, &dice)
        let weights = weights(&dice)
        let metrics = evaluate(Method.vtrace(rhoBar: 1, entropy: 0.1), batch, weights).metrics
        let (logits, _) = network(batch.observation.rows(0..<24).vectors, weights.parameters())
        let policy = Categorical(logits: logits)
        let ratios = zip(policy.logProb(of: batch.choices).values, batch.behaviourLogProb.values).map { expOf(Double($0 - $1)) }
        let (sum, squares) = (ratios.reduce(0, +), ratios.reduce(0) { $0 + $1 * $1 })
        #expect(abs(metrics["rho_mean"]! - Float(sum / 24)) < 1e-4)
        #expect(abs(metrics["effective_sample_size"]! - Float(sum * sum / (24 * squares))) < 1e-4)
        #expect(metrics["rho_clipped_share"]! == Float(ratios.count { $0 > 1 + 1e-5 }) / 24)
        #expect(abs(metrics["entropy"]! - policy.entropy.values.reduce(0, +) / 24) < 1e-5)
        #expect(metrics["explained_variance"]! < 1)
        #expect(metrics.keys.sorted() == [
            "advantage_mean", "effective_sample_size", "entropy", "explained_variance", "policy_loss", "rho_clipped_share", "rho_mean",
            "value_loss",
        ])
    }

    @Test func anImpossibleStepStaysFinite() {
        // The actor claims e^-80: the ratio would overflow a float without the limit.
        var dice = Dice(state: 2)
        let builder = RolloutBuilder(observation: .box(shape: [observations]), action: .discrete(2), steps: 1, slots: 1)
        builder.observation(0, as: Float.self).update(repeating: 0.3)
        builder.observation(1, as: Float.self).update(repeating: 0.3)
        (builder.action(0, as: Int32.self)[0], builder.behaviourLogProb(0)[0], builder.reward(0)[0]) = (0, -90, 1)
        (builder.terminated(0)[0], builder.truncated(0)[0]) = (0, 0)
        let one = batch([builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0)])
        let method = Method.vtrace(rhoBar: .infinity, cBar: .infinity, policyRhoBar: .infinity)
        let result = evaluate(method, one, weights(&dice))
        #expect(result.loss.isFinite && result.gradient.allSatisfy(\.isFinite) && result.metrics.values.allSatisfy(\.isFinite))
    }

    @Test func learnsABandit() {
        // Three arms, one step an episode; the middle arm pays. Constant observation.
        let network = TestSupport.network(observations: 1, actions: 3, hidden: [8])
        let weights = network.initialWeights(seed: 1)
        var optimizer = Adam(count: network.layout.count)
        let method = Method.vtrace(discount: 0.9, entropy: 0.001)
        let builder = RolloutBuilder(observation: .box(shape: [1]), action: .discrete(2), steps: 4, slots: 16)
        var dice = Dice(state: 6)
        func probability() -> Float {
            expOfFloat(Categorical(logits: network(Tensor([1], [1, 1]), weights.parameters()).logits).logProb(of: [1]).scalar)
        }
        #expect(probability() < 0.4)
        for update in 0..<150 {
            for t in 0...4 { builder.observation(t, as: Float.self).update(repeating: 1) }
            let policy = Categorical(logits: network(Tensor([Float](repeating: 1, count: 16), [16, 1]), weights.parameters()).logits)
            for t in 0..<4 {
                policy.sample(
                    uniforms: (0..<16).map { _ in Float.random(in: 0..<1, using: &dice) }, actions: builder.action(t, as: Int32.self),
                    logProbs: builder.behaviourLogProb(t))
                for b in 0..<16 {
                    let reward: Float = builder.action(t, as: Int32.self)[b] == 1 ? 1 : 0
                    builder.reward(t)[b] = reward
                    (builder.terminated(t)[b], builder.truncated(t)[b]) = (1, 0)
                    [Float(1)].withUnsafeBytes {
                        builder.appendEnded(step: t, slot: b, finalObservation: $0, episodeReturn: reward, length: 1)
                    }
                }
            }
            let data = batch([builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: UInt64(update)), version: 0)])
            weights.zeroGradient()
            let tape = Tape()
            tape.backward(
                method.loss(data, network: network, parameters: weights.parameters(on: tape), constants: weights.parameters()).loss)
            optimizer.step(weights, learningRate: 0.02, gradientScale: 1)
        }
        #expect(probability() > 0.95)
        let value = network(Tensor([1], [1, 1]), weights.parameters()).value.scalar
        #expect(abs(value - 1) < 0.1)
    }
}

func expOfFloat(_ x: Float) -> Float { Float(expOf(Double(x))) }
