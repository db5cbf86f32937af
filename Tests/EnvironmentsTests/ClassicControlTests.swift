import Environments
import Glibc
import Tensors
import Testing

/// Every environment against its trace from Gymnasium, each row from the recorded state.
@Suite struct ClassicControlTests {
    /// Steps an environment through its trace. Gymnasium's observations are single-precision, so equal means equal bit for bit.
    ///
    /// - Returns: the rows whose step terminated, and the number of episodes.
    @discardableResult
    private func replay<E: RestorableEnvironment>(_: E.Type, from trace: Trace) throws -> (terminations: Int, episodes: Int)
    where E.Scalar == Float {
        var (terminations, episodes) = (0, 0)
        for row in trace.rows {
            var environment = E()
            try environment.restore(trace.vector("state", row))
            let (observation, step) = act(&environment, trace.vector("action", row))
            #expect(observation == trace.vector("obs", row).map { Float($0) }, "\(E.id), state \(trace.vector("state", row))")
            #expect(step.reward == Float(trace.scalar("reward", row)))
            #expect(step.terminated == (trace.scalar("terminated", row) == 1))
            if step.terminated { terminations += 1 }
            if trace.scalar("step", row) == 0 { episodes += 1 }
        }
        #expect(trace.rows.count == 400)
        return (terminations, episodes)
    }

    /// The largest distance from a recorded state when only the first state of each episode is given.
    private func drift<E: RestorableEnvironment>(_: E.Type, along trace: Trace) throws -> Double where E.Scalar == Float {
        var environment = E()
        var largest = 0.0
        for row in trace.rows {
            let recorded = trace.vector("state", row)
            if trace.scalar("step", row) == 0 { try environment.restore(recorded) }
            for (a, b) in zip(environment.state, recorded) { largest = max(largest, abs(a - b)) }
            _ = act(&environment, trace.vector("action", row))
        }
        return largest
    }

    private func act<E: Environment>(_ environment: inout E, _ action: [Double]) -> (observation: [Float], step: Step)
    where E.Scalar == Float {
        var observation = [Float](repeating: .nan, count: E.observationSpace.count)
        let step = observation.withUnsafeMutableBufferPointer { observation in
            if case .discrete = E.actionSpace {
                return [Int32(action[0])].withUnsafeBytes {
                    environment.step(E.action(of: 0, width: 1, in: $0), observation: observation)
                }
            }
            return action.map { Float($0) }.withUnsafeBytes {
                environment.step(E.action(of: 0, width: action.count, in: $0), observation: observation)
            }
        }
        return (observation, step)
    }

    @Test func mountainCar() throws {
        let trace = try Trace("MountainCar-v0")
        try replay(MountainCar.self, from: trace)
        #expect(try drift(MountainCar.self, along: trace) < 1e-14)
    }

    @Test func mountainCarAtItsEnds() throws {
        var car = MountainCar()
        // The wall takes the speed away; the flag ends the episode, but not backwards.
        try car.restore([-1.19, -0.07])
        var (observation, step) = act(&car, [0])
        #expect(observation == [-1.2, 0] && !step.terminated && car.state == [-1.2, 0])
        try car.restore([0.49, 0.05])
        (_, step) = act(&car, [2])
        #expect(step.terminated && step.reward == -1)
        try car.restore([0.6, -0.02])
        (observation, step) = act(&car, [0])
        #expect(observation[0] > 0.5 && !step.terminated)
        // Speed is limited.
        try car.restore([-0.2, 0.07])
        for _ in 0..<3 { (observation, step) = act(&car, [2]) }
        #expect(observation[1] <= 0.07)
    }

    @Test func mountainCarContinuous() throws {
        let trace = try Trace("MountainCarContinuous-v0")
        try replay(MountainCarContinuous.self, from: trace)
        #expect(try drift(MountainCarContinuous.self, along: trace) == 0)
    }

    @Test func mountainCarContinuousAtItsEnds() throws {
        var car = MountainCarContinuous()
        try car.restore([0.4375, 0.0625])
        let (observation, step) = act(&car, [0.5])
        #expect(observation[0] > 0.45 && step.terminated && abs(step.reward - 99.975) < 1e-5)
        // The force counts clipped in the dynamics and unclipped in the cost.
        try car.restore([-0.5, 0])
        let strong = act(&car, [3])
        try car.restore([-0.5, 0])
        let full = act(&car, [1])
        #expect(strong.observation == full.observation && strong.step.reward == -0.9 && full.step.reward == -0.1)
        try car.restore([-1.1875, -0.0625])
        #expect(act(&car, [-1]).observation == [-1.2, 0])
    }

    @Test func pendulum() throws {
        let trace = try Trace("Pendulum-v1")
        try replay(Pendulum.self, from: trace)
        #expect(try drift(Pendulum.self, along: trace) < 1e-11)
    }

    @Test func pendulumCountsAnglesOnce() throws {
        // Upright is 0 after any number of turns, in both directions.
        for turns in -7...7 {
            var pendulum = Pendulum()
            try pendulum.restore([2 * .pi * Double(turns) + 0.5, 0])
            let (observation, step) = act(&pendulum, [0])
            #expect(abs(step.reward + 0.25) < 1e-5)
            #expect(abs(observation[2] - Float(15 * sin(0.5) * 0.05)) < 1e-5)
        }
        // At rest and upright it costs the torque alone, clipped at 2.
        var pendulum = Pendulum()
        try pendulum.restore([0, 0])
        #expect(act(&pendulum, [5]).step.reward == -0.004)
    }

    @Test func acrobot() throws {
        let trace = try Trace("Acrobot-v1")
        try replay(Acrobot.self, from: trace)
        #expect(try drift(Acrobot.self, along: trace) < 1e-9)
    }

    @Test func acrobotAboveTheLine() throws {
        var acrobot = Acrobot()
        try acrobot.restore([3, 0.1, 0, 0])
        let (_, step) = act(&acrobot, [1])
        #expect(step.terminated && step.reward == 0)
        // Hanging and without torque it stays.
        try acrobot.restore([0, 0, 0, 0])
        let still = act(&acrobot, [1])
        #expect(still.step.reward == -1 && zip(still.observation, [1, 0, 1, 0, 0, 0]).allSatisfy { abs($0 - $1) < 1e-6 })
        // A state far out is wrapped instead of turned back turn by turn.
        try acrobot.restore([1e12, 0, 1e3, -1e3])
        let (far, _) = act(&acrobot, [0])
        #expect(far.allSatisfy(\.isFinite) && abs(acrobot.state[0]) <= .pi && abs(far[4]) <= 12.566_371 && abs(far[5]) <= 28.274_334)
    }

    @Test func refusesStatesThatAreNone() {
        func refused<E: RestorableEnvironment>(_: E.Type, _ state: [Double], naming name: String) {
            var environment = E()
            #expect { try environment.restore(state) } throws: { ($0 as? EnvironmentError)?.description.contains(name) == true }
        }
        refused(CartPole.self, [0, 0, 0], naming: "3 numbers")
        refused(MountainCar.self, [.nan, 0], naming: "nan")
        refused(MountainCarContinuous.self, [0, .infinity], naming: "inf")
        refused(Pendulum.self, [], naming: "0 numbers")
        refused(Acrobot.self, [0, 0, 0, 0, 0], naming: "5 numbers")
    }

    @Test func startsAreGymnasiumsAndOfTheStreamAlone() throws {
        func starts<E: RestorableEnvironment>(_: E.Type) -> (lowest: [Double], highest: [Double]) where E.Scalar == Float {
            let key = RandomKey(seed: 3, purpose: .environment)
            var environment = E()
            var observation = [Float](repeating: 0, count: E.observationSpace.count)
            var states: [[Double]] = []
            for episode in 0..<1000 {
                for _ in 0..<2 {
                    var random = key.stream(slot: 0, episode: UInt64(episode))
                    observation.withUnsafeMutableBufferPointer { environment.reset(&random, observation: $0) }
                    states.append(environment.state)
                }
                #expect(states[2 * episode] == states[2 * episode + 1])
            }
            return states.reduce((lowest: states[0], highest: states[0])) { bounds, state in
                (zip(bounds.lowest, state).map { min($0, $1) }, zip(bounds.highest, state).map { max($0, $1) })
            }
        }
        for (low, high) in [starts(MountainCar.self), starts(MountainCarContinuous.self)] {
            #expect(low[0] >= -0.6 && low[0] < -0.598 && high[0] <= -0.4 && high[0] > -0.402 && low[1] == 0 && high[1] == 0)
        }
        let (low, high) = starts(Pendulum.self)
        #expect(low[0] >= -.pi && low[0] < -3.12 && high[0] <= .pi && high[0] > 3.12)
        #expect(low[1] >= -1 && low[1] < -0.99 && high[1] <= 1 && high[1] > 0.99)
        let acrobot = starts(Acrobot.self)
        #expect(acrobot.lowest.allSatisfy { $0 > -0.100001 && $0 < -0.099 } && acrobot.highest.allSatisfy { $0 < 0.100001 && $0 > 0.099 })
    }

    @Test func registersAsGymnasiumDoes() throws {
        let native = EnvironmentCatalogue.native
        func registered(_ id: String) throws -> [Float?] {
            let environment = try native.environment(id: id)
            return [environment.maxEpisodeSteps.map { Float($0) }, environment.solvedReturn]
        }
        #expect(try registered("CartPole-v1") == [500, 475])
        #expect(try registered("MountainCar-v0") == [200, -110])
        #expect(try registered("MountainCarContinuous-v0") == [999, 90])
        #expect(try registered("Pendulum-v1") == [200, nil])
        #expect(try registered("Acrobot-v1") == [500, -100])
    }
}
