import Environments
import Glibc
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
            try environment.restore(state)
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
                try environment.restore(state)
            }
            let recorded = trace.vector("state", row)
            #expect(environment.state == recorded)
            _ = observation.withUnsafeMutableBufferPointer {
                environment.step(Int32(trace.vector("action", row)[0]), observation: $0)
            }
        }
    }

    @Test func dynamicsAtAnyAngle() throws {
        // Gymnasium's formula with the C library's sine and cosine, far beyond the angles at which an episode ends.
        var observation = [Float](repeating: 0, count: 4)
        for k in -400...400 {
            let angle = Double(k) * 0.0083
            var environment = CartPole()
            try environment.restore([0.1, -0.3, angle, 1.7])
            _ = observation.withUnsafeMutableBufferPointer { environment.step(1, observation: $0) }
            let push = (10 + 0.05 * 1.7 * 1.7 * sin(angle)) / 1.1
            let turn = (9.8 * sin(angle) - cos(angle) * push) / (0.5 * (4.0 / 3 - 0.1 * cos(angle) * cos(angle) / 1.1))
            let expected = [0.1 - 0.006, -0.3 + 0.02 * (push - 0.05 * turn * cos(angle) / 1.1), angle + 0.034, 1.7 + 0.02 * turn]
            for (a, b) in zip(environment.state, expected) { #expect(abs(a - b) < 1e-14) }
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
