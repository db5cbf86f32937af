import Environments
import Tensors
import Testing

@Suite struct CartPoleTests {
    @Test func equalsGymnasiumStepForStep() throws {
        let trace = try Trace("CartPole-v1")
        #expect(trace.rows.count == 400)
        var observation = [Float](repeating: 0, count: 4)
        var terminations = 0
        for row in trace.rows {
            var environment = CartPole()
            let state = trace.vector("state", row)
            environment.state = SIMD4(state[0], state[1], state[2], state[3])
            let step = observation.withUnsafeMutableBufferPointer {
                environment.step(Int32(trace.vector("action", row)[0]), observation: $0)
            }
            // Bit for bit: the observation is the single-precision image of the double state.
            #expect(observation == trace.vector("obs", row).map { Float($0) })
            #expect(step.reward == Float(trace.scalar("reward", row)))
            #expect(step.terminated == (trace.scalar("terminated", row) == 1))
            if step.terminated { terminations += 1 }
        }
        #expect(terminations > 0, "the trace must show terminations")
    }

    @Test func followsWholeEpisodes() throws {
        // Free-running: only the first state of each recorded episode is given.
        let trace = try Trace("CartPole-v1")
        var environment = CartPole()
        var observation = [Float](repeating: 0, count: 4)
        for row in trace.rows {
            if trace.scalar("step", row) == 0 {
                let state = trace.vector("state", row)
                environment.state = SIMD4(state[0], state[1], state[2], state[3])
            }
            let recorded = trace.vector("state", row)
            for k in 0..<4 { #expect(environment.state[k] == recorded[k]) }
            _ = observation.withUnsafeMutableBufferPointer {
                environment.step(Int32(trace.vector("action", row)[0]), observation: $0)
            }
        }
    }

    @Test func startsInsideTheBox() {
        let key = RandomKey(seed: 3, purpose: .environment)
        var environment = CartPole()
        var observation = [Float](repeating: 0, count: 4)
        var lowest = [Float](repeating: 1, count: 4)
        var highest = [Float](repeating: -1, count: 4)
        for episode in 0..<2000 {
            var random = key.stream(slot: 0, episode: UInt64(episode))
            observation.withUnsafeMutableBufferPointer { environment.reset(&random, observation: $0) }
            for k in 0..<4 {
                lowest[k] = min(lowest[k], observation[k])
                highest[k] = max(highest[k], observation[k])
            }
        }
        for k in 0..<4 {
            #expect(lowest[k] >= -0.05 && lowest[k] < -0.0495)
            #expect(highest[k] <= 0.05 && highest[k] > 0.0495)
        }
    }

    @Test func describesItself() {
        #expect(CartPole.observationSpace.shape == [4])
        #expect(CartPole.actionSpace == .discrete(2))
        #expect(CartPole.maxEpisodeSteps == 500)
        guard case .box(_, let low, let high) = CartPole.observationSpace else { return }
        #expect(low.count == 4 && high.count == 4)
    }
}
