import Methods
import Networks
import Rollouts
import Tensors
import Testing

@Suite struct TD3Tests {
    private let box = Space.box(shape: [2], low: -1, high: 3)

    private func settings(_ hidden: Int) -> NetworkSettings { NetworkSettings(hidden: [hidden], activation: .relu) }

    private func learner(_ td3: TD3, observations: Int, actions: Space, hidden: Int, seed: UInt64 = 5) throws -> any Learner {
        let network = try DeterministicPolicy(observation: .box(shape: [observations]), action: actions, settings(hidden))
        return try td3.learner(LearnerSetting(network: network, seed: seed))
    }

    /// Two updates: the critics move with both, policy and copies with the second; all against double precision.
    @Test(arguments: [true, false]) func updatesAreThoseWrittenOut(_ takesSmaller: Bool) throws {
        var td3 = TD3()
        // Noise that is nearly always cut.
        (td3.discount, td3.follow, td3.targetNoise, td3.noiseClip, td3.takesSmaller) = (0.9, 0.25, 5, 0.3, takesSmaller)
        var dice = Dice(state: 13)
        let learner = try learner(td3, observations: 2, actions: box, hidden: 4)
        let weightCount = 2 * 4 + 4 + 4 * 2 + 2
        learner.weights.flat.withMutableBuffer { for k in 0..<weightCount { $0[k] += Float.random(in: -0.4...0.4, using: &dice) } }
        try learner.replace("critics.targets", learner.column("critics.targets").map { $0 + Float.random(in: -0.3...0.3, using: &dice) })
        try learner.replace("target", learner.column("target").map { $0 + Float.random(in: -0.3...0.3, using: &dice) })
        let batches = (0..<2).map { _ in continuousBatch(slots: 6, observations: 2, actions: box, terminated: [1], truncated: [3, 4], &dice) }

        let layers = DoubleLayers(widths: [2, 4, 2]), critics = DoubleCritics(layers: DoubleLayers(widths: [4, 4, 1]))
        func action(_ o: [Double], _ w: [Double]) -> [Double] { layers(o, w[..<weightCount]).map(tanhOf) }
        let gamma = Double(Float(0.9))
        let policy = learner.weights.flat.values.map(Double.init), target = learner.column("target").map(Double.init)
        let targets = learner.column("critics.targets").map(Double.init)
        for (k, batch) in batches.enumerated() {
            let moment = Moment(version: UInt64(k), batch: 3, learningRate: 0.01)
            let rows = DoubleTransitions(batch, observations: 2, actions: 2)
            let noise = learnerNormals(seed: 5, moment, use: 0, [6, 2]).map { min(max(5 * $0, -0.3), 0.3) }
            let y = (0..<6).map { row -> Double in
                let next = action(rows.next[row], target).enumerated().map { min(max($1 + noise[2 * row + $0], -1), 1) }
                let q = critics(rows.next[row], next, targets)
                return rows.reward[row] + (rows.ended[row] ? 0 : gamma * (takesSmaller ? min(q.0, q.1) : q.0))
            }
            func criticLoss(_ w: [Double]) -> Double {
                (0..<6).reduce(0) { total, row in
                    // The environment got the draw clipped to its bounds −1 … 3.
                    let a = rows.action[row].map { (min(max($0, -1), 3) - 1) / 2 }
                    let q = critics(rows.observation[row], a, w)
                    return total + ((q.0 - y[row]) * (q.0 - y[row]) + (q.1 - y[row]) * (q.1 - y[row])) / 6
                }
            }
            let before = learner.column("critics.weights").map(Double.init)
            let moments = learner.column("critics.optimizer.adam.first").map(Double.init)
            let report = try learner.update(batch, at: moment)
            let metrics = Dictionary(uniqueKeysWithValues: report.metrics.map { ($0.name, Double($0.value)) })
            #expect(abs(metrics["critic_loss"]! - criticLoss(before)) < 1e-4)
            let gradient = differences(before, criticLoss)
            #expect(worst(learner.column("critics.optimizer.adam.first"), zip(moments, gradient).map { 0.9 * $0 + 0.1 * $1 }) < 1e-4)

            guard k == 1 else {
                #expect(metrics["policy_loss"] == nil)
                #expect(worst(Array(learner.weights.flat.values[..<weightCount]), Array(policy[..<weightCount])) == 0)
                #expect(worst(learner.column("critics.targets"), targets) == 0 && worst(learner.column("target"), target) == 0)
                continue
            }
            let after = learner.column("critics.weights").map(Double.init)
            func policyLoss(_ w: [Double]) -> Double {
                -(0..<6).reduce(0) { $0 + critics(rows.observation[$1], action(rows.observation[$1], w), after).0 / 6 }
            }
            #expect(abs(metrics["policy_loss"]! - policyLoss(policy)) < 1e-4)
            #expect(worst(learner.column("policy.adam.first"), differences(policy, policyLoss).map { 0.1 * $0 }) < 1e-4)
            #expect(worst(learner.column("critics.targets"), zip(targets, after).map { $0 + 0.25 * ($1 - $0) }) < 1e-6)
            let moved = learner.weights.flat.values.map(Double.init)
            #expect(worst(Array(learner.column("target")[..<weightCount]), zip(target, moved).map { $0 + 0.25 * ($1 - $0) }.dropLast(2)) < 1e-6)
        }
    }

    /// The actors' noise: wide until something is learned, then as the method says; in the box's own units.
    @Test func exploresWidelyAtFirst() throws {
        var dice = Dice(state: 1)
        let learner = try learner(TD3(), observations: 2, actions: box, hidden: 4)
        func noise() -> [Double] { learner.behaviour.flat.values.suffix(2).map { expOf(Double($0)) } }
        #expect(worst(noise().map { Float($0) }, [2, 2]) < 1e-5)
        _ = try learner.update(continuousBatch(slots: 4, observations: 2, actions: box, &dice), at: Moment(learningRate: 0.01))
        #expect(worst(noise().map { Float($0) }, [0.2, 0.2]) < 1e-6)
    }

    @Test func learnsABandit() throws {
        let space = Space.box(shape: [1], low: -1, high: 1)
        let learner = try learner(TD3(), observations: 1, actions: space, hidden: 32)
        var dice = Dice(state: 4)
        let batches = (0..<24).map { _ in
            continuousBatch(
                slots: 64, observations: 1, actions: space, terminated: Set(0..<64), observation: { _ in [1] }, final: [1],
                draw: { [Float.random(in: -1...1, using: &$0)] }, reward: { -($0[0] - 0.3) * ($0[0] - 0.3) }, &dice)
        }
        for version in 0..<1000 {
            _ = try learner.update(batches[version % 24], at: Moment(version: UInt64(version), learningRate: 0.003))
        }
        let network = try DeterministicPolicy(observation: .box(shape: [1]), action: space, settings(32))
        let output = network(Observations(Tensor([1], [1]), network.observationSpace), learner.weights.parameters())
        #expect(abs(output.policy.scalar - 0.3) < 0.1)
    }

    @Test func goesOnWhereItStood() throws {
        var td3 = TD3()
        td3.policyDelay = 3
        var dice = Dice(state: 6)
        let batches = (0..<6).map { _ in continuousBatch(slots: 5, observations: 2, actions: box, truncated: [2], &dice) }
        let one = try learner(td3, observations: 2, actions: box, hidden: 6)
        for k in 0..<4 { _ = try one.update(batches[k], at: Moment(version: UInt64(k), learningRate: 0.01)) }
        let other = try learner(td3, observations: 2, actions: box, hidden: 6)
        _ = other.weights.flat.withMutableBuffer { $0.update(fromContentsOf: one.weights.flat.values) }
        try other.restore(one.state)
        for learner in [one, other] {
            for k in 4..<6 { _ = try learner.update(batches[k], at: Moment(version: UInt64(k), learningRate: 0.01)) }
        }
        #expect(one.everything == other.everything)
    }

    @Test func needsItsNetwork() throws {
        let other = try SquashedGaussianPolicy(observation: .box(shape: [2]), action: box)
        #expect(throws: MethodError.self) { try TD3().learner(LearnerSetting(network: other)) }
        #expect(TD3().networkID == "deterministic")
    }

    @Test func everyOptionReachesItsPlace() throws {
        let options: [String: Double] = [
            "discount": 0.9, "tau": 0.1, "policy_delay": 3, "target_noise": 0.4, "noise_clip": 0.6, "clipped_double": 0, "exploration": 0.3,
            "warmup_noise": 2, "critic_rate": 3,
        ]
        #expect(Set(options.keys) == Set(try MethodCatalogue.current.method(id: "td3").options.map(\.name)))
        let td3 = try #require(MethodCatalogue.current.make(id: "td3", options: options) as? TD3)
        #expect(td3.discount == 0.9 && td3.follow == 0.1 && td3.policyDelay == 3 && td3.targetNoise == 0.4 && td3.noiseClip == 0.6)
        #expect(!td3.takesSmaller && td3.exploration == 0.3 && td3.warmupNoise == 2 && td3.criticRate == 3)
    }
}
