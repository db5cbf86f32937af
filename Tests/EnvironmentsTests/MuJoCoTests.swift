import Environments
import Glibc
import Tensors
import Testing

private let mujoco = try? MuJoCo.status.get()
private let reason = Comment(rawValue: "no libmujoco here: pip install mujoco, or set MUJOCO_PATH")

private let all: [any MuJoCoEnvironment.Type] = [
    HalfCheetah.self, Hopper.self, Walker2d.self, Ant.self, Swimmer.self, InvertedPendulum.self, Reacher.self,
]

/// What a step from every recorded state gave, against the record.
private struct Deviation {
    /// |ours − recorded| / max(1, |recorded|), both rounded to single precision.
    var observation: Float = 0
    var reward: Float = 0
    /// Rows whose end of the task differs.
    var flags = 0
    var rows = 0
    var terminations = 0
}

private func act<E: MuJoCoEnvironment>(_ environment: inout E, _ action: [Float], _ observation: inout [Float]) -> Step {
    action.withUnsafeBufferPointer { action in
        observation.withUnsafeMutableBufferPointer { environment.step(action, observation: $0) }
    }
}

private func replay<E: MuJoCoEnvironment>(_ type: E.Type) throws -> Deviation {
    let trace = try Trace(E.id)
    var environment = E()
    var observation = [Float](repeating: 0, count: E.observationSpace.count)
    var result = Deviation()
    func relative(_ ours: Float, _ recorded: Double) -> Float { abs(ours - Float(recorded)) / max(1, abs(Float(recorded))) }
    for row in trace.rows {
        let state = trace.vector("state", row)
        try environment.restore(state)
        #expect(environment.state == state)
        let step = act(&environment, trace.vector("action", row).map { Float($0) }, &observation)
        let recorded = trace.vector("obs", row)
        #expect(recorded.count == observation.count)
        for (ours, theirs) in zip(observation, recorded) { result.observation = max(result.observation, relative(ours, theirs)) }
        result.reward = max(result.reward, relative(step.reward, trace.scalar("reward", row)))
        let terminated = trace.scalar("terminated", row) == 1
        if step.terminated != terminated { result.flags += 1 }
        if terminated { result.terminations += 1 }
        result.rows += 1
    }
    return result
}

/// An episode of one slot under a fixed sequence of actions: (observations, rewards).
private func episode<E: MuJoCoEnvironment>(_ type: E.Type, seed: UInt64, steps: Int) -> ([[Float]], [Float]) {
    var random = RandomKey(seed: seed, purpose: .environment).stream(slot: 0, episode: 0)
    var actions = RandomKey(seed: 99, purpose: .action).stream(slot: 0, episode: 0)
    var environment = E()
    var observation = [Float](repeating: .nan, count: E.observationSpace.count)
    observation.withUnsafeMutableBufferPointer { environment.reset(&random, observation: $0) }
    var (observations, rewards) = ([observation], [Float]())
    for _ in 0..<steps {
        let action = (0..<E.actionSpace.count).map { _ in Float(actions.uniform(in: -1...1)) }
        rewards.append(act(&environment, action, &observation).reward)
        observations.append(observation)
    }
    return (observations, rewards)
}

@Suite(.enabled(if: mujoco != nil, reason)) struct MuJoCoTests {
    /// Recorded with MuJoCo 4.0.0, with which observations are equal bit for bit. Other versions compute contacts a little differently.
    @Test(.enabled(if: mujoco?.version == "4.0.0", "the records are MuJoCo 4.0.0's"))
    func equalsGymnasium() throws {
        for environment in all {
            let deviation = try replay(environment)
            #expect(deviation.rows >= 300)
            #expect(deviation.observation <= 1e-6, "\(environment.id)")
            #expect(deviation.reward <= 1e-6, "\(environment.id)")
            #expect(deviation.flags == 0, "\(environment.id)")
            let ends = ["Hopper-v5", "Walker2d-v5", "Ant-v5", "InvertedPendulum-v5"].contains(environment.id)
            #expect((deviation.terminations > 0) == ends, "\(environment.id) must show how it ends")
        }
    }

    @Test func episodesAreAFunctionOfTheStream() {
        func check<E: MuJoCoEnvironment>(_ type: E.Type) {
            let first = episode(type, seed: 1, steps: 40)
            #expect(first == episode(type, seed: 1, steps: 40))
            #expect(first != episode(type, seed: 2, steps: 40))
            #expect(first.0.joined().allSatisfy { $0.isFinite })
        }
        for environment in all { check(environment) }
    }

    @Test func startsAreGymnasiums() {
        let key = RandomKey(seed: 4, purpose: .environment)
        func states<E: MuJoCoEnvironment>(_ type: E.Type) -> [[Double]] {
            var environment = E()
            var observation = [Float](repeating: 0, count: E.observationSpace.count)
            return (0..<500).map { episode in
                var random = key.stream(slot: 0, episode: UInt64(episode))
                observation.withUnsafeMutableBufferPointer { environment.reset(&random, observation: $0) }
                return environment.state
            }
        }
        func range(_ states: [[Double]], _ index: Int) -> ClosedRange<Double> {
            states.map { $0[index] }.min()!...states.map { $0[index] }.max()!
        }
        // Uniform noise around the reference height, reaching almost to its bounds.
        for (states, index, middle, scale) in [
            (states(Hopper.self), 1, 1.25, 0.005), (states(Walker2d.self), 1, 1.25, 0.005), (states(HalfCheetah.self), 1, 0, 0.1),
            (states(Ant.self), 2, 0.75, 0.1), (states(Swimmer.self), 9, 0, 0.1), (states(InvertedPendulum.self), 1, 0, 0.01),
            (states(Reacher.self), 0, 0, 0.1), (states(Reacher.self), 4, 0, 0.005),
        ] {
            let range = range(states, index)
            #expect(range.lowerBound >= middle - scale && range.lowerBound < middle - 0.97 * scale)
            #expect(range.upperBound <= middle + scale && range.upperBound > middle + 0.97 * scale)
        }
        // Normal noise.
        let velocities = states(HalfCheetah.self).map { $0[9] } + states(Ant.self).map { $0[15] }
        let deviation = (velocities.reduce(0) { $0 + $1 * $1 } / Double(velocities.count)).squareRoot()
        #expect(abs(deviation - 0.1) < 0.01)
        // The target stands still inside a disk.
        for state in states(Reacher.self) { #expect(hypot(state[2], state[3]) < 0.2 && state[6] == 0 && state[7] == 0) }
    }

    @Test func aCopyIsAFork() throws {
        var environment = Ant()
        var random = RandomKey(seed: 8, purpose: .environment).stream(slot: 0, episode: 0)
        var observation = [Float](repeating: 0, count: 105)
        observation.withUnsafeMutableBufferPointer { environment.reset(&random, observation: $0) }
        let action: [Float] = [0.3, -0.5, 0.1, 0.7, -0.2, 0.4, 0.9, -1]
        for _ in 0..<30 { _ = act(&environment, action, &observation) }
        var fork = environment
        let stored = environment.state
        var (here, there) = (observation, observation)
        for _ in 0..<20 { _ = act(&environment, action, &here) }
        #expect(fork.state == stored)
        for _ in 0..<20 { _ = act(&fork, action, &there) }
        #expect(here == there)
        _ = act(&fork, action.map { -$0 }, &there)
        _ = act(&environment, action, &here)
        #expect(here != there)
    }

    @Test func slotsShareNothing() throws {
        let key = RandomKey(seed: 3, purpose: .environment)
        let (one, many) = (VectorSlots<HalfCheetah>(count: 1, key: key), VectorSlots<HalfCheetah>(count: 3, key: key))
        let (oneRow, manyRow) = (Row(one), Row(many))
        var actions = RandomKey(seed: 5, purpose: .action).stream(slot: 0, episode: 0)
        for _ in 0..<50 {
            let action = (0..<18).map { _ in Float(actions.uniform(in: -1...1)) }
            oneRow.step(one, column: Array(action[..<6]))
            manyRow.step(many, column: action)
            #expect(oneRow[0] == manyRow[0])
        }
        #expect(manyRow[0] != manyRow[1])
    }

    @Test func refusesWrongStates() {
        for state in [[1, 2, 3], [Double](repeating: .nan, count: 12)] {
            #expect(throws: EnvironmentError.self) {
                var environment = Hopper()
                try environment.restore(state)
            }
        }
    }

    @Test func refusesWrongModels() throws {
        do {
            _ = try MuJoCoModel(name: "crooked.xml", xml: Array("<mujoco><worldbody><body/></mujoco>".utf8))
            Issue.record("a model that is no XML was taken")
        } catch {
            #expect(error.place == "crooked.xml" && error.problem.contains("refuses"))
        }
    }
}
