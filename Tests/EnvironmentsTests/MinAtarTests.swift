import Environments
import Tensors
import Testing

@Suite struct MinAtarTests {
    /// What a trace shows, so that a test can demand that it shows enough.
    private struct Shown {
        var steps = 0
        var episodes = 0
        var deaths = 0
        var longest = 0
        var total: Float = 0
        var largestReward: Float = 0
    }

    /// Plays a trace with its draws; observations, rewards, ends of episodes and the draws asked for must be the package's.
    private func replay<G: MinAtarGame>(_: G.Type, _ name: String) throws -> Shown {
        let trace = try MinAtarTrace(name)
        #expect(trace.planes == G.planes)
        var shown = Shown()
        var game = G()
        var observation = [UInt8](repeating: 9, count: G.observationSpace.count)
        var length = 0
        for (index, record) in trace.records.enumerated() {
            var draws = record.draws
            let differs = observation.withUnsafeMutableBufferPointer { buffer in
                guard let recorded = record.step else {
                    game.reset(draws: &draws, observation: buffer)
                    (shown.episodes, length) = (shown.episodes + 1, 0)
                    return false
                }
                let step = game.step(recorded.action, draws: &draws, observation: buffer)
                (shown.steps, length) = (shown.steps + 1, length + 1)
                shown.total += step.reward
                shown.largestReward = max(shown.largestReward, step.reward)
                shown.longest = max(shown.longest, length)
                if step.terminated { shown.deaths += 1 }
                return step != Step(reward: recorded.reward, terminated: recorded.terminated)
            }
            // The first difference is the one to look at: what follows differs anyway.
            try #require(!differs, "record \(index): reward or end")
            try #require(draws.fits, "record \(index): draws")
            try #require(
                observation == record.observation, "record \(index): \(Self.difference(observation, record.observation, G.planes))")
        }
        return shown
    }

    private static func difference(_ ours: [UInt8], _ theirs: [UInt8], _ planes: Int) -> String {
        zip(ours, theirs).enumerated().filter { $0.element.0 != $0.element.1 }.map { index, pair in
            "row \(index / planes / 10), column \(index / planes % 10), plane \(index % planes): \(pair.0) instead of \(pair.1)"
        }.joined(separator: "; ")
    }

    @Test func asterixEqualsThePackage() throws {
        let shown = try replay(Asterix.self, "asterix")
        // Five ramps, a hundred steps each, make it faster in both ways.
        #expect(shown.steps > 1000 && shown.deaths > 3 && shown.longest > 520 && shown.total > 10)
    }

    @Test func breakoutEqualsThePackage() throws {
        let shown = try replay(Breakout.self, "breakout")
        // More than 30 bricks in an episode: the rows came back.
        #expect(shown.steps > 1000 && shown.deaths > 10 && shown.total > 90)
    }

    @Test func freewayEqualsThePackage() throws {
        let shown = try replay(Freeway.self, "freeway")
        #expect(shown.longest == 2501 && shown.deaths == 1 && shown.total > 30)
    }

    @Test func seaquestEqualsThePackage() throws {
        let shown = try replay(Seaquest.self, "seaquest")
        // Only six divers give more than one point at once.
        #expect(shown.steps > 1000 && shown.deaths > 5 && shown.largestReward > 3)
    }

    @Test func spaceInvadersEqualsThePackage() throws {
        let shown = try replay(SpaceInvaders.self, "space_invaders")
        // Beyond four waves of 24.
        #expect(shown.steps > 1000 && shown.deaths > 5 && shown.total > 100)
    }

    @Test func namesAndSpaces() throws {
        let native = EnvironmentCatalogue.native
        let games = [("Asterix", 4, 5), ("Breakout", 4, 3), ("Freeway", 7, 3), ("Seaquest", 10, 6), ("SpaceInvaders", 6, 4)]
        for (id, planes, actions) in games {
            let environment = try native.resolve(EnvironmentSettings("MinAtar/\(id)"))
            #expect(environment.observationSpace == .bytes(shape: [10, 10, planes], high: 1))
            #expect(environment.actionSpace == .discrete(actions))
            #expect(environment.maxEpisodeSteps == nil && environment.solvedReturn == nil)
        }
        #expect(throws: EnvironmentError.self) { try native.resolve(EnvironmentSettings("MinAtar/Breakout-v1")) }
        #expect(throws: EnvironmentError.self) {
            try native.resolve(EnvironmentSettings("MinAtar/Breakout", options: ["sticky_action_probability": 1.5]))
        }
    }

    @Test func minimalActionsAreThePackages() {
        #expect((0..<5).map { Asterix.action($0) } == [.none, .left, .up, .right, .down])
        #expect((0..<3).map { Breakout.action($0) } == [.none, .left, .right])
        #expect((0..<3).map { Freeway.action($0) } == [.none, .up, .down])
        #expect((0..<6).map { Seaquest.action($0) } == [.none, .left, .up, .right, .down, .fire])
        #expect((0..<4).map { SpaceInvaders.action($0) } == [.none, .left, .right, .fire])
        // An index outside does nothing.
        #expect(Asterix.action(5) == .none && Seaquest.action(-1) == .none && Breakout.action(.max) == .none)
    }

    /// Observations, rewards and ends of `steps` steps with random actions, as `VectorSlots` sees them.
    private func play<G: MinAtarGame>(_: G.Type, options: [String: Double] = [:], seed: UInt64 = 1, steps: Int = 400) throws -> [[UInt8]] {
        let environment = try EnvironmentCatalogue.native.resolve(EnvironmentSettings(G.id, options: options))
        let slots = try environment.make(slots: 2, key: RandomKey(seed: seed, purpose: .environment))
        var observation = [UInt8](repeating: 7, count: 2 * environment.observationSpace.byteCount)
        var reward = [Float](repeating: 0, count: 2)
        var (terminated, truncated) = ([UInt8](repeating: 0, count: 2), [UInt8](repeating: 0, count: 2))
        try observation.withUnsafeMutableBytes { try slots.reset(observation: $0) }
        var random = RandomKey(seed: 5, purpose: .action).stream(slot: 0, episode: 0)
        var all = [observation]
        for _ in 0..<steps {
            let actions = (0..<2).map { _ in Int32(random.integer(below: environment.actionSpace == .discrete(3) ? 3 : 4)) }
            try actions.withUnsafeBytes { actions in
                try observation.withUnsafeMutableBytes { observation in
                    try reward.withUnsafeMutableBufferPointer { reward in
                        try terminated.withUnsafeMutableBufferPointer { terminated in
                            try truncated.withUnsafeMutableBufferPointer { truncated in
                                try slots.step(
                                    SlotsRow(
                                        actions: actions, observation: observation, reward: reward, terminated: terminated,
                                        truncated: truncated)
                                ) { _ in }
                            }
                        }
                    }
                }
            }
            #expect(observation.allSatisfy { $0 <= 1 })
            all.append(observation + reward.map { UInt8($0) } + terminated)
        }
        return all
    }

    @Test func everythingRandomComesFromTheKey() throws {
        #expect(try play(Seaquest.self) == play(Seaquest.self))
        #expect(try play(Asterix.self) == play(Asterix.self))
        #expect(try play(Asterix.self) != play(Asterix.self, seed: 2))
        // Its only randomness is which actions stick.
        #expect(try play(SpaceInvaders.self) != play(SpaceInvaders.self, seed: 2))
        #expect(
            try play(SpaceInvaders.self, options: ["sticky_action_probability": 0])
                == play(SpaceInvaders.self, options: ["sticky_action_probability": 0], seed: 2))
    }

    @Test func stickyActionsRepeatTheOneBefore() throws {
        // With probability 1 nothing but the first action, which is none, ever happens: the paddle stays.
        let paddles = try play(Breakout.self, options: ["sticky_action_probability": 1]).map { row in
            (0..<10).first { row[360 + 4 * $0] == 1 }
        }
        #expect(Set(paddles) == [4])
        #expect(Set(try play(Breakout.self).map { row in (0..<10).first { row[360 + 4 * $0] == 1 } }).count > 4)
    }

    @Test func startsForgetTheEpisodeBefore() throws {
        // A sticky first action repeats `none`, whatever was done last.
        var game = Breakout()
        game.play.stickyActionProbability = 1
        var observation = [UInt8](repeating: 0, count: 400)
        observation.withUnsafeMutableBufferPointer { buffer in
            var start = RecordedDraws([(2, 0)])
            game.reset(draws: &start, observation: buffer)
            game.play.stickyActionProbability = 0
            var draws = RecordedDraws([(0, 128)])
            _ = game.step(2, draws: &draws, observation: buffer)
            #expect(buffer[360 + 4 * 5] == 1)
            start = RecordedDraws([(2, 0)])
            game.reset(draws: &start, observation: buffer)
            game.play.stickyActionProbability = 1
            draws = RecordedDraws([(0, 128)])
            _ = game.step(2, draws: &draws, observation: buffer)
            #expect(buffer[360 + 4 * 4] == 1)
        }
    }

    @Test func rampingCanBeTurnedOff() throws {
        /// How many of 3000 steps without an action move something in Asterix, the player set aside.
        func moves(ramping: Bool) -> Int {
            var game = Asterix()
            game.play.ramping = ramping
            var observation = [UInt8](repeating: 0, count: 400)
            var random = RandomKey(seed: 1, purpose: .environment).stream(slot: 0, episode: 0)
            var (before, count) = (observation, 0)
            observation.withUnsafeMutableBufferPointer { buffer in
                game.reset(draws: &random, observation: buffer)
                for _ in 0..<3000 {
                    _ = game.step(0, draws: &random, observation: buffer)
                    if Array(buffer) != before { count += 1 }
                    before = Array(buffer)
                }
            }
            return count
        }
        #expect(moves(ramping: true) > 2 * moves(ramping: false))
    }

    @Test func twinsTakeEachOthersPlace() {
        // Too rare for a trace: two that are alike in everything, of which the younger is to go.
        func swimmer(_ x: Int8) -> Seaquest.Swimmer { Seaquest.Swimmer(x: x, y: 3, right: true, moveTimer: 4) }
        var list = Seaquest.SwimmerList()
        for x: Int8 in [5, 7, 5, 9] { list.append(swimmer(x)) }
        #expect(list.removeFirst(like: 2) == 1)
        #expect((0..<list.count).map { list[$0] } == [swimmer(7), swimmer(5), swimmer(9)])
        #expect(list.removeFirst(like: 2) == nil)
        #expect((0..<list.count).map { list[$0] } == [swimmer(7), swimmer(5)])
    }

    @Test func drawsAreEven() {
        var random = RandomKey(seed: 4, purpose: .environment).stream(slot: 0, episode: 0)
        var counts = [Int](repeating: 0, count: 5)
        for _ in 0..<50_000 { counts[random.integer(below: 5)] += 1 }
        #expect(counts.allSatisfy { abs($0 - 10_000) < 400 })
    }
}
