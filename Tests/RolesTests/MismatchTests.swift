import Learning
import Networks
import Platform
import Rollouts
import Runs
import Tensors
import Testing

/// The learner computes the actors' log-probabilities again, and says what fits when they differ.
@Suite struct MismatchTests {
    private static func pendulum(_ spec: inout RunSpec) {
        spec.environment.id = "Pendulum-v1"
        // Episodes end inside the rollouts and go on over their borders.
        spec.environment.maxEpisodeSteps = 17
        spec.actors.unroll = 30
        spec.optimizer.learningRate = 0.01
    }

    /// A few updates, every rollout checked on the way; the last rollout is tampered with.
    private func found(
        _ edit: (inout RunSpec) -> Void, updates: Int = 6, _ tamper: (Rollout, Turns) throws -> Rollout = { rollout, _ in rollout }
    ) throws -> Mismatch? {
        let turns = try Turns(edit)
        var detector = MismatchDetector(turns.trainer.network, share: 1, maxLag: 8)
        for update in 0..<updates {
            detector.published(turns.trainer.published(), version: turns.trainer.version)
            let rollout = try turns.collect()
            if update == updates - 1 { return try detector.check(tamper(rollout, turns)) }
            #expect(try detector.check(rollout) == nil)
            _ = try turns.trainer.update([rollout])
        }
        return nil
    }

    @Test(arguments: [ContinuousPolicy.gaussian, .tanhGaussian], MemoryKind.allCases)
    func honestActorsAgree(policy: ContinuousPolicy, memory: MemoryKind) throws {
        #expect(
            try found {
                Self.pendulum(&$0)
                ($0.network.continuousPolicy, $0.network.memory, $0.network.memoryWidth) = (policy, memory, 16)
                $0.network.normalizeObservations = true
            } == nil)
    }

    @Test func theVersionThatActedIsFound() throws {
        let mismatch = try #require(try found({ $0.optimizer.learningRate = 0.05 }) { rollout, _ in rollout.with(version: rollout.version - 2) })
        #expect(mismatch.cause == .version(mismatch.version + 2) && mismatch.difference > MismatchDetector.tolerance)
        #expect(mismatch.description.contains("carries the wrong version"))
    }

    @Test func theStatisticsThatActedAreFound() throws {
        let mismatch = try found({
            Self.pendulum(&$0)
            $0.network.normalizeObservations = true
        }) { rollout, turns in
            // What the actor would have told with the statistics of the version before.
            let network = turns.trainer.network
            let weights = turns.trainer.weights.copy()
            let before = try Turns {
                Self.pendulum(&$0)
                $0.network.normalizeObservations = true
            }
            for _ in 0..<4 { try before.update() }
            for spec in network.layout.specs where spec.name.hasPrefix("normalizer.") {
                let old = before.trainer.weights.flat.rows(spec.offset..<spec.offset + spec.count).values
                weights.flat.rows(spec.offset..<spec.offset + spec.count).withMutableBuffer { _ = $0.update(fromContentsOf: old) }
            }
            return try rollout.with(logProbOf: network, weights.parameters())
        }
        #expect(mismatch?.cause == .normalizer(4))
    }

    @Test func aForgottenStateIsFound() throws {
        func gru(_ spec: inout RunSpec) {
            Self.pendulum(&spec)
            (spec.network.memory, spec.network.memoryWidth) = (.gru, 16)
        }
        let unstored = try found(gru) { rollout, turns in
            try rollout.with(logProbOf: turns.trainer.network, turns.trainer.weights.parameters(), state: { Tensor(zeros: $0.shape) })
        }
        #expect(unstored?.cause == .storedState)
        let kept = try found(gru) { rollout, turns in
            try rollout.with(logProbOf: turns.trainer.network, turns.trainer.weights.parameters(), resets: false)
        }
        #expect(kept?.cause == .stateReset)
    }

    @Test func aBoundedActionIsFound() throws {
        let mismatch = try found({
            Self.pendulum(&$0)
            $0.network.initialLogDeviation = 1.5
        }) { rollout, turns in
            try rollout.with(logProbOf: turns.trainer.network, turns.trainer.weights.parameters(), bounded: true)
        }
        #expect(mismatch?.cause == .boundedAction)
    }

    @Test(arguments: [(Float(0.002), Mismatch.Cause.precision), (0.7, .unknown)])
    func whatNothingExplainsIsToldBySize(shift: Float, cause: Mismatch.Cause) throws {
        let mismatch = try #require(try found({ _ in }) { rollout, _ in
            rollout.with(logProb: rollout.behaviourLogProb.bytes.array(of: Float.self).map { $0 - shift })
        })
        #expect(mismatch.cause == cause && abs(mismatch.difference - shift) < 1e-3)
    }

    @Test func shareAndAgeAreRespected() throws {
        let turns = try Turns { _ in }
        var (some, none) = (
            MismatchDetector(turns.trainer.network, share: 0.25, maxLag: 1), MismatchDetector(turns.trainer.network, share: 0, maxLag: 1)
        )
        var caught = 0
        for _ in 0..<12 {
            some.published(turns.trainer.published(), version: turns.trainer.version)
            let rollout = try turns.collect()
            let wrong = rollout.with(logProb: rollout.behaviourLogProb.bytes.array(of: Float.self).map { $0 - 1 })
            caught += try some.check(wrong) == nil ? 0 : 1
            #expect(try none.check(wrong) == nil)
            // A version that is not kept any more cannot be checked.
            if rollout.version >= 2 { #expect(try some.check(wrong.with(version: rollout.version - 2)) == nil) }
            _ = try turns.trainer.update([rollout])
        }
        #expect(caught == 3 && some.mismatches == 3)
        #expect(some.take() ?? 0 > 0.9 && some.take() == nil)
    }
}

extension Rollout {
    fileprivate func with(version: UInt64? = nil, logProb: [Float]? = nil) -> Rollout {
        Rollout(
            id: id, version: version ?? self.version, steps: steps, slots: slots, observation: observation, action: action,
            behaviourLogProb: logProb.map { values in
                Column(behaviourLogProb.name, .float32, behaviourLogProb.shape, values.withUnsafeBytes { SharedBytes(copying: $0) })
            } ?? behaviourLogProb,
            reward: reward, terminated: terminated, truncated: truncated, finalIndex: finalIndex, finalObservation: finalObservation,
            episodeReturn: episodeReturn, episodeLength: episodeLength, recurrentState: recurrentState,
            behaviourPolicy: behaviourPolicy)
    }

    /// What an actor with some fault would have told.
    fileprivate func with(
        logProbOf network: any PolicyNetwork, _ parameters: Parameters, state: (Tensor) -> Tensor = { $0 }, resets: Bool = true,
        bounded: Bool = false
    ) throws -> Rollout {
        let batch = try RolloutBatch([self], observationSpace: network.observationSpace)
        let begins = (0..<frames).map { $0 < slots ? 0 : batch.terminated[$0 - slots] | batch.truncated[$0 - slots] }
        let unroll = network.stateCount > 0 ? Unroll(state: state(batch.recurrentState), begins: resets ? begins : nil) : nil
        let output = network(batch.observation.rows(0..<frames), parameters, unroll: unroll)
        var action = batch.action
        if bounded, case .vectors(let vectors) = action {
            let copy = Tensor(vectors.values, vectors.shape)
            copy.withMutableBuffer { network.distribution.bound(UnsafeMutableRawBufferPointer($0)) }
            action = .vectors(copy)
        }
        return with(logProb: network.distribution.logProb(of: action, output).values)
    }
}
