import Methods
import Networks
import Rollouts
import Tensors
import Testing

@Suite struct SACTests {
    private let box = Space.box(shape: [2], low: -1, high: 3)

    private func settings(_ hidden: Int) -> NetworkSettings { NetworkSettings(hidden: [hidden], activation: .relu) }

    private func learner(_ sac: SAC, observations: Int, actions: Space, hidden: Int, seed: UInt64 = 5) throws -> any Learner {
        let network = try SquashedGaussianPolicy(observation: .box(shape: [observations]), action: actions, settings(hidden))
        return try sac.learner(LearnerSetting(network: network, seed: seed))
    }

    /// Target, losses, gradients, temperature and copies of one update, against the same in double precision; of single steps, and of the
    /// steps of sequences.
    @Test(arguments: [(1, 6), (3, 2)]) func anUpdateIsThatWrittenOut(_ steps: Int, _ slots: Int) throws {
        var sac = SAC()
        (sac.discount, sac.alpha, sac.follow, sac.targetEntropy) = (0.9, 0.3, 0.25, -0.5)
        var dice = Dice(state: 3)
        let learner = try learner(sac, observations: 2, actions: box, hidden: 4)
        learner.weights.flat.withMutableBuffer { for k in $0.indices { $0[k] += Float.random(in: -0.4...0.4, using: &dice) } }
        // Copies that differ from the critics.
        try learner.replace("critics.targets", learner.column("critics.targets").map { $0 + Float.random(in: -0.3...0.3, using: &dice) })
        let batch = continuousBatch(steps: steps, slots: slots, observations: 2, actions: box, terminated: [1], truncated: [3, 4], &dice)
        let moment = Moment(version: 7, batch: 2, learningRate: 0.01)

        let rows = DoubleTransitions(batch, observations: 2, actions: 2)
        let policyLayers = DoubleLayers(widths: [2, 4, 4]), critics = DoubleCritics(layers: DoubleLayers(widths: [4, 4, 1]))
        let policy = learner.weights.flat.values.map(Double.init)
        let before = learner.column("critics.weights").map(Double.init), targets = learner.column("critics.targets").map(Double.init)
        func draw(_ o: [Double], _ w: [Double], _ noise: [Double], _ row: Int) -> (action: [Double], logProb: Double) {
            let output = policyLayers(o, w[...]), z = Array(noise[(2 * row)..<(2 * row + 2)])
            let u = (0..<2).map { output[$0] + expOf(output[2 + $0]) * z[$0] }
            return (u.map(tanhOf), squashedLogProb(z, Array(output[2...]), u))
        }
        let alpha = Double(Float(0.3)), gamma = Double(Float(0.9))
        let first = learnerNormals(seed: 5, moment, use: 0, [6, 2]), second = learnerNormals(seed: 5, moment, use: 1, [6, 2])
        let y = (0..<6).map { row -> Double in
            let next = draw(rows.next[row], policy, first, row), q = critics(rows.next[row], next.action, targets)
            return rows.reward[row] + (rows.ended[row] ? 0 : gamma * (min(q.0, q.1) - alpha * next.logProb))
        }
        func criticLoss(_ w: [Double]) -> Double {
            (0..<6).reduce(0) { total, row in
                let q = critics(rows.observation[row], rows.action[row].map(tanhOf), w)
                return total + ((q.0 - y[row]) * (q.0 - y[row]) + (q.1 - y[row]) * (q.1 - y[row])) / 6
            }
        }

        let report = try learner.update(batch, at: moment)
        let metrics = Dictionary(uniqueKeysWithValues: report.metrics.map { ($0.name, Double($0.value)) })
        #expect(abs(metrics["critic_loss"]! - criticLoss(before)) < 1e-4)
        // Adam's first moment is a tenth of the gradient after one step.
        #expect(worst(learner.column("critics.optimizer.adam.first"), differences(before, criticLoss).map { 0.1 * $0 }) < 1e-4)

        // The policy's loss is judged by the critics after their step.
        let after = learner.column("critics.weights").map(Double.init)
        func policyLoss(_ w: [Double]) -> Double {
            (0..<6).reduce(0) { total, row in
                let drawn = draw(rows.observation[row], w, second, row), q = critics(rows.observation[row], drawn.action, after)
                return total + (alpha * drawn.logProb - min(q.0, q.1)) / 6
            }
        }
        #expect(abs(metrics["policy_loss"]! - policyLoss(policy)) < 1e-4)
        #expect(worst(learner.column("policy.adam.first"), differences(policy, policyLoss).map { 0.1 * $0 }) < 1e-4)

        let entropy = -(0..<6).reduce(0) { $0 + draw(rows.observation[$1], policy, second, $1).logProb } / 6
        #expect(abs(metrics["entropy"]! - entropy) < 1e-4 && abs(metrics["alpha"]! - alpha) < 1e-6)
        // ∂/∂ log α of −α (log π + H), H = −0.5 · 2.
        #expect(abs(Double(learner.column("temperature.adam.first")[0]) - 0.1 * alpha * (entropy + 1)) < 1e-5)
        #expect(abs(Double(learner.column("temperature.log_alpha")[0]) - (logOf(alpha) - 0.01 * (entropy > -1 ? 1 : -1))) < 1e-5)
        #expect(worst(learner.column("critics.targets"), zip(targets, after).map { $0 + 0.25 * ($1 - $0) }) < 1e-6)
        let q = (0..<6).map { critics(rows.observation[$0], rows.action[$0].map(tanhOf), before) }
        #expect(abs(metrics["q_mean"]! - q.reduce(0) { $0 + $1.0 + $1.1 } / 12) < 1e-4)
    }

    /// One state, reward 1: cut by a time limit it is worth 1/(1 − γ), ended by the task 1.
    @Test(arguments: [(true, Float(2)), (false, 1)]) func truncationBootstraps(_ truncates: Bool, _ value: Float) throws {
        var sac = SAC()
        (sac.discount, sac.alpha, sac.learnsAlpha, sac.follow) = (0.5, 0, false, 0.2)
        var dice = Dice(state: 2)
        let space = Space.box(shape: [1], low: -1, high: 1)
        let learner = try learner(sac, observations: 1, actions: space, hidden: 8)
        // Whoever looks at the next episode's first observation learns something else.
        let batch = continuousBatch(
            slots: 16, observations: 1, actions: space, terminated: truncates ? [] : Set(0..<16), truncated: truncates ? Set(0..<16) : [],
            observation: { $0 == 0 ? [1] : [-1] }, final: [1], reward: { _ in 1 }, &dice)
        var report: LearnerReport?
        for version in 0..<400 { report = try learner.update(batch, at: Moment(version: UInt64(version), learningRate: 0.01)) }
        #expect(abs(report!.metrics.first { $0.name == "q_mean" }!.value - value) < 0.03)
    }

    /// A bandit with reward −(a − 0.3)²: the policy finds the best action, and entropy above its target loses its worth.
    @Test func learnsABandit() throws {
        var sac = SAC()
        sac.criticRate = 2
        let space = Space.box(shape: [1], low: -1, high: 1)
        let learner = try learner(sac, observations: 1, actions: space, hidden: 32)
        var dice = Dice(state: 4)
        var report: LearnerReport?
        let batches = (0..<24).map { _ in
            continuousBatch(
                slots: 64, observations: 1, actions: space, terminated: Set(0..<64), observation: { _ in [1] }, final: [1],
                reward: { -(Float(tanhOf(Double($0[0]))) - 0.3) * (Float(tanhOf(Double($0[0]))) - 0.3) }, &dice)
        }
        for version in 0..<1500 {
            report = try learner.update(batches[version % 24], at: Moment(version: UInt64(version), learningRate: 0.003))
        }
        let network = try SquashedGaussianPolicy(observation: .box(shape: [1]), action: space, settings(32))
        let output = network(Observations(Tensor([1], [1]), network.observationSpace), learner.weights.parameters())
        #expect(abs(tanhOf(Double(output.policy.scalar)) - 0.3) < 0.1)
        #expect(report!.metrics.first { $0.name == "alpha" }!.value < 0.2)
    }

    @Test(arguments: [true, false]) func goesOnWhereItStood(_ learnsAlpha: Bool) throws {
        var sac = SAC()
        sac.learnsAlpha = learnsAlpha
        var dice = Dice(state: 6)
        let batches = (0..<4).map { _ in continuousBatch(slots: 5, observations: 2, actions: box, truncated: [2], &dice) }
        let one = try learner(sac, observations: 2, actions: box, hidden: 6)
        for k in 0..<3 { _ = try one.update(batches[k], at: Moment(version: UInt64(k), learningRate: 0.01)) }
        let other = try learner(sac, observations: 2, actions: box, hidden: 6, seed: 5)
        _ = other.weights.flat.withMutableBuffer { $0.update(fromContentsOf: one.weights.flat.values) }
        try other.restore(one.state)
        #expect(one.everything == other.everything)
        for learner in [one, other] { _ = try learner.update(batches[3], at: Moment(version: 3, batch: 1, learningRate: 0.01)) }
        #expect(one.everything == other.everything)
        // Random numbers are addressed by version and batch.
        let third = try learner(sac, observations: 2, actions: box, hidden: 6)
        for k in 0..<3 { _ = try third.update(batches[k], at: Moment(version: UInt64(k), learningRate: 0.01)) }
        _ = try third.update(batches[3], at: Moment(version: 3, learningRate: 0.01))
        #expect(one.everything != third.everything)
    }

    @Test func whatIsRefusedHasChangedNothing() throws {
        var dice = Dice(state: 7)
        let learner = try learner(SAC(), observations: 2, actions: box, hidden: 4)
        let fine = continuousBatch(slots: 4, observations: 2, actions: box, &dice)
        _ = try learner.update(fine, at: Moment(version: 0, learningRate: 0.01))
        func refuses(_ batch: RolloutBatch) {
            let before = learner.everything
            #expect(throws: NonFiniteGradient.self) { try learner.update(batch, at: Moment(version: 1, learningRate: 0.01)) }
            #expect(learner.everything == before)
        }
        refuses(continuousBatch(slots: 4, observations: 2, actions: box, reward: { _ in .nan }, &dice))
        // The policy's step alone is refused: log π is infinite where it acts now, and nowhere else.
        learner.weights.flat.withMutableBuffer { values in
            for spec in learner.weights.layout.specs where spec.name == "policy.weight" {
                for k in spec.offset..<spec.offset + spec.count { values[k] = k < spec.offset + spec.count / 2 ? 3e38 : 0 }
            }
            for spec in learner.weights.layout.specs where spec.name == "torso.0.bias" {
                for k in spec.offset..<spec.offset + spec.count { values[k] = 0 }
            }
        }
        refuses(continuousBatch(slots: 4, observations: 2, actions: box, observation: { $0 == 0 ? [1, 1] : [0, 0] }, &dice))
    }

    @Test func needsItsNetwork() throws {
        let plain = try ActorCritic(observation: .box(shape: [2]), action: box)
        #expect(throws: MethodError.self) { try SAC().learner(LearnerSetting(network: plain)) }
        let other = try DeterministicPolicy(observation: .box(shape: [2]), action: box)
        #expect(throws: MethodError.self) { try SAC().learner(LearnerSetting(network: other)) }
        let plan = try #require(SAC().data.replay)
        #expect(SAC().networkID == "squashed_gaussian" && !SAC().data.trainsOnLive && plan.sequences == 256 && plan.steps == 1)
    }

    @Test func everyOptionReachesItsPlace() throws {
        let options: [String: Double] = [
            "discount": 0.9, "tau": 0.1, "alpha": 0.2, "learn_alpha": 0, "target_entropy": -2, "critic_rate": 3,
        ]
        #expect(Set(options.keys) == Set(try MethodCatalogue.current.method(id: "sac").options.map(\.name)))
        let sac = try #require(MethodCatalogue.current.make(id: "sac", options: options) as? SAC)
        #expect(sac.discount == 0.9 && sac.follow == 0.1 && sac.alpha == 0.2 && !sac.learnsAlpha && sac.targetEntropy == -2)
        #expect(sac.criticRate == 3)
        let defaults = try #require(MethodCatalogue.current.method(id: "sac").defaults as? SAC)
        #expect(defaults.discount == SAC().discount && defaults.follow == SAC().follow && defaults.alpha == 1 && defaults.learnsAlpha)
    }
}
