import Environments
import Tensors
import Testing

/// What a step from every recorded state gave, against the record.
private struct Deviation {
    /// |ours − recorded| / max(1, |recorded|), both rounded to single precision.
    var observation: Float = 0
    var reward: Float = 0
    /// Rows whose end of the task differs.
    var flags = 0
    var rows = 0
}

private func replay<E: MuJoCoEnvironment>(_ type: E.Type) throws -> Deviation {
    let trace = try Trace(E.id)
    var environment = E()
    var observation = [Float](repeating: 0, count: E.observationSpace.count)
    var result = Deviation()
    func relative(_ ours: Float, _ recorded: Double) -> Float { abs(ours - Float(recorded)) / max(1, abs(Float(recorded))) }
    for row in trace.rows {
        try environment.restore(trace.vector("state", row))
        let action = trace.vector("action", row).map { Float($0) }
        let step = action.withUnsafeBufferPointer { action in
            observation.withUnsafeMutableBufferPointer { environment.step(action, observation: $0) }
        }
        let recorded = trace.vector("obs", row)
        #expect(recorded.count == observation.count)
        for (ours, theirs) in zip(observation, recorded) { result.observation = max(result.observation, relative(ours, theirs)) }
        result.reward = max(result.reward, relative(step.reward, trace.scalar("reward", row)))
        if step.terminated != (trace.scalar("terminated", row) == 1) { result.flags += 1 }
        result.rows += 1
    }
    return result
}

let environments: [any MuJoCoEnvironment.Type] = [
    HalfCheetah.self, Hopper.self, Walker2d.self, Ant.self, Swimmer.self, InvertedPendulum.self, Reacher.self,
]

@Suite struct MuJoCoTests {
    @Test func equalsGymnasium() throws {
        for e in environments { print(e.id, try replay(e)) }
    }
}
