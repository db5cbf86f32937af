import Acting
import Environments
import Glibc
import Learning
import Methods
import Networks
import Rollouts
import Runs
import Tensors
import Testing

/// What the method asks of actors reaches the steps that they take.
@Suite struct ExplorationTests {
    /// Random actions come as often as the slot's ε says, and log μ is that of the slot's ε.
    @Test(arguments: [UInt32(0), 1]) func everySlotHasItsEpsilon(actor: UInt32) throws {
        let edit: (inout RunSpec) -> Void = {
            $0.method.id = "apex-dqn"
            ($0.actors.count, $0.actors.slots, $0.actors.unroll) = (2, 4, 200)
        }
        let turns = try Turns(actor: actor, edit)
        let rollouts = try (0..<5).map { _ in try turns.collect() }
        let ladder = EpsilonLadder(base: 0.4, exponent: 7, slots: 8)
        for slot in 0..<4 {
            let epsilon = ladder.epsilon(slot: Int(actor) * 4 + slot, version: 0)
            let (likely, unlikely) = (log(1 - epsilon + epsilon / 2), log(epsilon / 2))
            var others = 0
            for rollout in rollouts {
                let logProbs = rollout.behaviourLogProb.bytes.array(of: Float.self)
                for t in 0..<rollout.steps {
                    let logProb = logProbs[t * 4 + slot]
                    #expect(logProb == likely || logProb == unlikely)
                    others += logProb == unlikely ? 1 : 0
                }
            }
            let (expected, count) = (Double(epsilon / 2), 1000.0)
            #expect(abs(Double(others) / count - expected) < 4 * (expected / count).squareRoot() + 1e-3)
        }
    }

    @Test func epsilonFallsWithTheVersion() throws {
        let turns = try Turns {
            $0.method.id = "dqn"
            $0.method.options = ["epsilon_decay": 2, "epsilon": 0]
            $0.actors.unroll = 50
            $0.replay.minimumSteps = 100_000
        }
        func surprises() throws -> Int {
            let rollout = try turns.collect()
            _ = try turns.trainer.update([rollout])
            return rollout.behaviourLogProb.bytes.array(of: Float.self).count { $0 < -0.5 }
        }
        // ε 1, ½, 0: half of the actions at random, and then a quarter of less likely ones.
        #expect(try surprises() == 400)
        let some = try surprises()
        #expect(some > 60 && some < 140)
        #expect(try surprises() == 0)
    }

    /// The whole policy travels with the rollout, and comes out of a replay as it went in.
    @Test func theWholePolicyIsKept() throws {
        let turns = try Turns { $0.method.id = "acer" }
        let rollout = try turns.collect()
        let batch = try RolloutBatch([rollout], observationSpace: turns.trainer.environment.observationSpace)
        #expect(batch.behaviourPolicy.shape == [batch.frames, 2])
        guard case .choices(let actions) = batch.action else { return }
        let told = gather(logSoftmax(batch.behaviourPolicy), actions).values
        #expect(zip(told, batch.behaviourLogProb.values).allSatisfy { abs($0 - $1) < 1e-6 })
        let shape = RolloutShape(
            observation: turns.trainer.network.observationSpace, action: .discrete(2), policyCount: 2, steps: rollout.steps,
            maximumSlots: 8)
        try rollout.validate(shape)
        let buffer = try ReplayBuffer(ReplaySettings(capacityBytes: 1 << 20, selector: .fifo), shape: shape)
        try buffer.insert(rollout)
        let sample = try buffer.sample(8, steps: rollout.steps).batch
        #expect(sample.behaviourPolicy.values == batch.behaviourPolicy.values)
        // Methods that do not ask for it get none.
        #expect(try Turns { $0.method.id = "ppo" }.collect().behaviourPolicy.elementCount == 0)
        // A slot of it, and two batches side by side.
        #expect(batch.slots([3]).behaviourPolicy.values == batch.behaviourPolicy.picked((0..<batch.steps).map { $0 * 8 + 3 }).values)
        let both = try RolloutBatch(concatenating: [batch, sample])
        #expect(both.slots(Array(8..<16)).behaviourPolicy.values == batch.behaviourPolicy.values)
    }

    /// What acted is what is trained on: on the live batch of the first update all ratios are 1.
    @Test func liveDataIsOnPolicy() throws {
        let turns = try Turns {
            $0.method.id = "acer"
            $0.replay.minimumSteps = 10_000
        }
        let report = try turns.update()
        #expect(abs(try #require(report.metric("rho_mean")) - 1) < 1e-5 && report.metric("correction") == 0)
    }
}
