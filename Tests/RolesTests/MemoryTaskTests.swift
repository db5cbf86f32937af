import Acting
import Environments
import Learning
import Networks
import Runs
import Tensors
import Testing

/// One of two cues is shown in the first step of nine; what is done in the last one must repeat it.
private struct Cue: Environment {
    static let id = "Cue"
    static let summary = "repeat in step 8 what was shown in step 0"
    static let observationSpace = Space.box(shape: [3])
    static let actionSpace = Space.discrete(2)
    private static let last = 8

    private var cue: Int32 = 0
    private var step = 0

    mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        cue = random.uniform() < 0.5 ? 0 : 1
        step = 0
        observation[0] = cue == 0 ? 1 : 0
        observation[1] = cue == 1 ? 1 : 0
        observation[2] = 0
    }

    mutating func step(_ action: Int32, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let ended = step == Self.last
        step += 1
        (observation[0], observation[1]) = (0, 0)
        observation[2] = step == Self.last ? 1 : 0
        return Step(reward: ended && action == cue ? 1 : 0, terminated: ended)
    }
}

@Suite struct MemoryTaskTests {
    private func trained(_ memory: MemoryKind, updates: Int) throws -> Double {
        let turns = try Turns(catalogue: EnvironmentCatalogue([Cue.self])) {
            $0.environment.id = "Cue"
            ($0.network.memory, $0.network.memoryWidth) = (memory, 32)
            // Rollouts are cut inside episodes: the cue then lies in the stored state.
            ($0.actors.slots, $0.actors.unroll) = (64, 13)
            $0.optimizer.learningRate = 5e-3
            $0.optimizer.clipNorm = 1
        }
        for _ in 0..<updates { try turns.update() }
        return try turns.evaluate(episodes: 400).meanReturn
    }

    @Test(arguments: [MemoryKind.gru, .lstm]) func memoryRepeatsTheCue(_ memory: MemoryKind) throws {
        #expect(try trained(memory, updates: 250) > 0.9)
    }

    /// Chance is ½; of 400 episodes the standard error is 0.025.
    @Test func withoutMemoryItIsChance() throws {
        let result = try trained(.none, updates: 250)
        #expect(abs(result - 0.5) < 0.1)
    }
}
