import Methods
import Networks
import Rollouts
import Tensors
import Testing

/// What the importance-corrected methods become where they should be one another (B01, B09, B11, B13, B15, S037).
@Suite struct OffPolicyMethodTests {
    let bench = LearnerBench()
    var onPolicy: RolloutBatch { bench.batch(shift: 0...0) }
    var stale: RolloutBatch { bench.batch() }

    @Test func reinforceWithABaselineIsA2C() throws {
        let a2c = try bench.trained(Method.a2c(lambda: 1), [stale, stale])
        #expect(deviation(try bench.trained(Method.reinforce(), [stale, stale]), a2c) < 1e-4)
        #expect(deviation(try bench.trained(Method.reinforce(baseline: false), [stale, stale]), a2c) > 1e-3)
    }

    @Test(arguments: [true, false]) func decoupledPPOIsPPOOnYoungData(masks: Bool) throws {
        let correction: any Correction = masks ? MaskedImportance(high: 5) : TruncatedImportance(cap: 5)
        // Weights are exactly 1: the same bits.
        #expect(try bench.trained(Method.decoupledPPO(correction: correction), [onPolicy]) == bench.trained(Method.ppo(), [onPolicy]))
        let old = try bench.trained(Method.decoupledPPO(correction: correction), [stale])
        #expect(try deviation(old, bench.trained(Method.ppo(), [stale])) > 1e-3)
    }

    @Test func theFirstStepOfDecoupledPPOIsAWeightedPolicyGradient() throws {
        let once = ProximalSettings(epochs: 1, minibatches: 1)
        let decoupled = try bench.trained(Method.decoupledPPO(once), [stale])
        let weighted = try bench.trained(Method.tis(once, correction: TruncatedImportance(cap: 5)), [stale])
        #expect(deviation(decoupled, weighted) < 1e-4)
        #expect(try deviation(decoupled, bench.trained(Method.tis(once, correction: TruncatedImportance(cap: 1)), [stale])) > 1e-4)
    }

    @Test func appoIsPPOWithoutLagAndCorrection() throws {
        // 1 / 1.25 = 1 − 0.2
        let settings = ProximalSettings(epochs: 2, minibatches: 3)
        let appo = Method.appo(settings, clip: 0.25, corrects: false, renewsCredit: false)
        let ppo = Method.ppo(clip: 0.2, clipHigh: 0.25, epochs: 2, minibatches: 3)
        #expect(try deviation(bench.trained(appo, [onPolicy]), bench.trained(ppo, [onPolicy])) < 1e-5)
        let behaviour = Method.ppo(clip: 0.2, clipHigh: 0.25, epochs: 2, minibatches: 3, anchor: .behaviour)
        #expect(try deviation(bench.trained(appo, [stale]), bench.trained(behaviour, [stale])) < 1e-5)
        #expect(try deviation(bench.trained(appo, [stale]), bench.trained(ppo, [stale])) > 1e-3)
    }

    @Test func appoRenewsItsCredit() throws {
        let settings = ProximalSettings(epochs: 3, minibatches: 2)
        let (renewed, kept) = (Method.appo(settings), Method.appo(settings, renewsCredit: false))
        #expect(try deviation(bench.trained(renewed, [stale]), bench.trained(kept, [stale])) > 1e-4)
        #expect(try bench.metrics(renewed, stale)["gradient_steps"] == 6)
        // The same to the bit when it is done again.
        #expect(try bench.trained(renewed, [stale]) == bench.trained(renewed, [stale]))
    }

    @Test func egaeIsPPOWhereEveryEpisodeEnds() throws {
        let ended = bench.batch(terminated: [20, 21], truncated: [22, 23, 5])
        #expect(try bench.trained(Method.egae(), [ended]) == bench.trained(Method.ppo(), [ended]))
        #expect(try deviation(bench.trained(Method.egae(), [stale]), bench.trained(Method.ppo(), [stale])) > 1e-4)
    }

    @Test func advantagesOfPPOMaxAreLimited() throws {
        let settings = ProximalSettings(epochs: 1, minibatches: 1)
        let clip = ProximalClip()
        let loose = Method.ppoMax(settings, clip: clip, valueClip: .infinity, advantageLimit: .infinity)
        #expect(try bench.trained(loose, [stale]) == bench.trained(Method.ppo(epochs: 1, minibatches: 1), [stale]))
        // At most ±0.01: what is left of the policy loss is about as much.
        let tight = Method.ppoMax(settings, clip: clip, advantageLimit: 0.01)
        let (limited, plain) = try (bench.metrics(tight, stale), bench.metrics(loose, stale))
        #expect(abs(limited["policy_loss"]!) <= 0.01 + 1e-6 && abs(plain["policy_loss"]! - limited["policy_loss"]!) > 0)
        #expect(try deviation(bench.trained(tight, [stale]), bench.trained(loose, [stale])) > 1e-4)
    }

    // MARK: TOPR

    @Test func taperingLeavesWhatThePolicyStillDoes() {
        // ρ ≥ 1 everywhere: REINFORCE. The logarithms are relative to μ, here equal to π_prox.
        let likely = ObjectiveProbe(ratios: [1, 1.5, 7], advantages: [-2, -0.1, 0.5])
        #expect(likely(TaperedPolicyGradient()) == likely(PolicyGradient()))
        // Positives keep their weight whatever ρ is; negatives fade.
        let rare = ObjectiveProbe(ratio: [0.5, 0.1, 1e-4, 0.5, 1e-4], advantage: [-1, -1, -1, 1, 1])
        let coefficient = rare(TaperedPolicyGradient(positive: 0.7, negative: 2)).coefficient
        #expect(deviation(coefficient, [1, 0.2, 2e-4, 0.7, 0.7]) < 1e-5)
    }

    @Test func taperingOfSequences() {
        // Slot 0: an episode of two steps and the beginning of another; slot 1: one of three steps.
        var probe = ObjectiveProbe(ratio: [0.5, 2, 0.8, 2, 0.5, 0.9], advantage: [-1, 1.5, 3, -4, -2, 9])
        probe.sequences = Sequences(steps: 3, slots: 2, ends: [0, 0, 1, 0, 0, 0])
        // The advantage of a sequence is its first step's: −1 with ρ = 0.5 · 0.8, −2 with 0.5, and 1.5 with whatever ρ.
        let objective = TaperedPolicyGradient(level: .sequence)
        #expect(objective.needsSequences && !TaperedPolicyGradient().needsSequences)
        let (loss, gradient) = probe.gradient { objective.loss(probe.step($0)) }
        #expect(deviation(gradient, [0.4, -1.5, 0.4, -1.5, 1, -1.5]) < 1e-5)
        #expect(deviation(loss, zip(gradient, probe.logProb).map(*)) < 1e-5)
    }

    @Test func toprTrainsOnWholeSlotsWhereItNeedsSequences() throws {
        let method = Method.topr(objective: TaperedPolicyGradient(level: .sequence), epochs: 2, minibatches: 2)
        #expect(try bench.metrics(method, stale)["gradient_steps"] == 4)
    }

    // MARK: IMPACT

    @Test func impactIsProximalWhereTheTargetActed() {
        let probe = ObjectiveProbe(ratios: [0.4, 0.8, 1, 1.25, 3], advantages: [-1, 0.5, 2])
        let (impact, ppo) = (probe(TargetClip(epsilon: 0.2)), probe(ProximalClip()))
        #expect(deviation(impact.loss, ppo.loss) < 1e-5 && deviation(impact.coefficient, ppo.coefficient) < 1e-5)
    }

    @Test func impactLimitsTheWeightOfOldData() {
        // R = min(π / π_t, ρ π / μ), written out.
        var (probe, dice) = (ObjectiveProbe(ratio: Array(repeating: 1, count: 60), advantage: Array(repeating: 0, count: 60)), Dice(state: 9))
        for k in 0..<60 {
            probe.logProb[k] = Float.random(in: -3 ... -0.1, using: &dice)
            probe.proximal[k] = Float.random(in: -3 ... -0.1, using: &dice)
            probe.behaviour[k] = Float.random(in: -3 ... -0.1, using: &dice)
            probe.advantage[k] = Float.random(in: -2...2, using: &dice)
        }
        let (loss, phi) = probe(TargetClip(epsilon: 0.3, rho: 2))
        var limited = 0
        for k in 0..<60 {
            let (pi, target, mu) = (expOf(Double(probe.logProb[k])), expOf(Double(probe.proximal[k])), expOf(Double(probe.behaviour[k])))
            let r = min(pi / target, 2 * pi / mu)
            if r < pi / target - 1e-9 { limited += 1 }
            let a = Double(probe.advantage[k])
            let (expected, carries) = a >= 0 ? (-min(r, 1.3) * a, r <= 1.3) : (-max(r, 0.7) * a, r >= 0.7)
            #expect(abs(Double(loss[k]) - expected) < 1e-5 * max(1, abs(expected)))
            #expect(abs(Double(phi[k]) - (carries ? r : 0)) < 1e-5 * max(1, r))
        }
        #expect(limited > 3)
    }

    /// In expectation over what μ does, the penalty is KL(π_t ‖ π), and so is its gradient.
    @Test func impactsPenaltyIsTheDivergence() {
        let (target, mu): ([Double], [Double]) = ([0.5, 0.3, 0.2], [0.2, 0.5, 0.3])
        let logits: [Float] = [0.4, -0.3, 0.1]
        let (tape, gradient) = (Tape(), Tensor(zeros: [1, 3]))
        let logProbabilities = logSoftmax(tape.watch(Tensor(logits, [1, 3]), accumulatingInto: gradient))
        let pi = logProbabilities.values.map { expOf(Double($0)) }
        var total = Tensor(0)
        let zero = Tensor(zeros: [1])
        for action in 0..<3 {
            let step = PolicyStep(
                logProb: gather(logProbabilities, [Int32(action)]), entropy: zero, value: zero, advantage: zero, valueTarget: zero,
                behaviourLogProb: Tensor([Float(logOf(mu[action]))], [1]), proximalLogProb: Tensor([Float(logOf(target[action]))], [1]))
            total = total + Float(mu[action]) * sum(TargetDivergence(1, rho: .infinity).loss(step))
        }
        tape.backward(total)
        let divergence = (0..<3).reduce(0) { $0 + target[$1] * logOf(target[$1] / pi[$1]) }
        #expect(abs(Double(total.scalar) - divergence) < 1e-6)
        // ∂KL(π_t ‖ π) / ∂logits = π − π_t
        for action in 0..<3 { #expect(abs(Double(gradient.values[action]) - (pi[action] - target[action])) < 1e-6) }
    }

    @Test func impactCorrectsToItsTargetNetwork() throws {
        // The target network is the policy that acted until it is renewed, here before the third update.
        let method = Method.impact(targetEvery: 2)
        let learner = bench.learner(method)
        try learner.restore(learner.state.map { $0.name == "target.weights" ? Column("target.weights", learner.weights.flat) : $0 })
        let data = onPolicy
        var clipped: [Float] = []
        for version in 0..<3 {
            let report = try learner.update(data, at: Moment(version: UInt64(version), learningRate: 0.02))
            clipped.append(report.metrics.first { $0.name == "rho_clipped_share" }!.value)
        }
        // Rounding may lead above 1 by a bit, so that the share itself says nothing: the ratio of the third update does.
        #expect(clipped[0] == clipped[1] && clipped[2] != clipped[0])
    }

    @Test func impactAsksForACircularBuffer() throws {
        let plan = try #require(Method.impact(reuses: 3, bufferSteps: 4096).data.replay)
        #expect(plan.selector == .fifo && plan.maximumTimesSampled == 3 && plan.ratio == 3 && plan.capacitySteps == 4096)
        #expect(!Method.impact().data.trainsOnLive && Method.ppo().data == .live)
    }

    // MARK: Everything

    static let all: [Method] = [
        .reinforce(), .appo(), .decoupledPPO(), .tis(), .tis(correction: MaskedImportance(level: .sequence)),
        .topr(objective: TaperedPolicyGradient(level: .sequence), epochs: 2, minibatches: 2), .impact(kl: 0.1, targetEvery: 3), .gppo(), .dcpo(),
        .bapo(), .cispo(), .egae(), .ppoMax(),
    ]

    @Test(arguments: all.indices) func goesOnWhereItWas(index: Int) throws {
        let method = Self.all[index]
        for memory in [MemoryKind.none, .gru] {
            let bench = LearnerBench(memory: memory)
            let batches = [bench.batch(seed: 1), bench.batch(seed: 2), bench.batch(seed: 3)]
            let learner = bench.learner(method)
            func update(_ learner: any Learner, _ version: Int) throws {
                _ = try learner.update(batches[version], at: Moment(version: UInt64(version), learningRate: 0.01))
            }
            for version in 0..<2 { try update(learner, version) }
            let resumed = bench.learner(method)
            resumed.weights.flat.withMutableBuffer { _ = $0.update(fromContentsOf: learner.weights.flat.values) }
            try resumed.restore(learner.state)
            try update(learner, 2)
            try update(resumed, 2)
            #expect(learner.weights.flat.values == resumed.weights.flat.values)
            #expect(allFinite(learner.weights.flat))
        }
    }

    @Test(arguments: all.indices) func aLossThatIsNoNumberChangesNothing(index: Int) throws {
        let learner = bench.learner(Self.all[index])
        _ = try learner.update(stale, at: Moment(learningRate: 0.01))
        let (weights, state) = (learner.weights.flat.values, learner.state)
        var bad = stale
        bad.reward = Tensor([Float](repeating: .nan, count: bad.frames), bad.reward.shape)
        #expect(throws: NonFiniteGradient.self) { try learner.update(bad, at: Moment(version: 1, learningRate: 0.01)) }
        #expect(learner.weights.flat.values == weights)
        #expect(zip(learner.state, state).allSatisfy { $0.name == $1.name && $0.bytes.array(of: UInt8.self) == $1.bytes.array(of: UInt8.self) })
    }

    @Test func theCataloguesDefaultsAreTheRecipes() throws {
        for (id, recipe) in [
            ("reinforce", Method.reinforce()), ("appo", .appo()), ("decoupled-ppo", .decoupledPPO()), ("tis", .tis()), ("topr", .topr()),
            ("impact", .impact()), ("gppo", .gppo()), ("dcpo", .dcpo()), ("bapo", .bapo()), ("cispo", .cispo()), ("egae", .egae()),
            ("ppo-max", .ppoMax()),
        ] {
            let method = try #require(MethodCatalogue.standard.make(id: id) as? Method)
            #expect(method.name == id && recipe.name == id)
            #expect(String(describing: method) == String(describing: recipe), "\(id)")
        }
    }
}
