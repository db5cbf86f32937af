import Environments
import Tensors
import Testing

/// Counts its own steps: observation = (episode's random start, steps so far). Ends by itself where the start says so.
struct Clock: Environment {
    static let id = "Clock-v0"
    static let summary = "counts"
    static let observationSpace = Space.box(shape: [2], low: [0, 0], high: [1, .infinity])
    static let actionSpace = Space.discrete(8)
    static let maxEpisodeSteps: Int? = 5
    static let solvedReturn: Float? = nil
    var start: Float = 0
    var steps: Float = 0

    mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        start = Float(random.uniform())
        steps = 0
        (observation[0], observation[1]) = (start, 0)
    }
    mutating func step(_ action: Int32, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        steps += 1
        (observation[0], observation[1]) = (start, steps)
        return Step(reward: Float(action), terminated: action == 7)
    }
}

/// Rows that a test owns.
final class Row {
    let width: Int
    var observation: [Float]
    var reward: [Float]
    var terminated: [UInt8]
    var truncated: [UInt8]
    /// (slot, final observation, return, length) of the last step.
    var ended: [(slot: Int, final: [Float], episodeReturn: Float, length: Int32)] = []

    init(_ slots: any Slots) {
        width = slots.observationSpace.count
        observation = Array(repeating: .nan, count: slots.count * width)
        reward = Array(repeating: .nan, count: slots.count)
        terminated = Array(repeating: 9, count: slots.count)
        truncated = terminated
        observation.withUnsafeMutableBytes { try! slots.reset(observation: $0) }
    }
    func step(_ slots: any Slots, _ actions: [Int32]) { step(slots, column: actions) }

    /// Actions of any space, as they lie in a rollout's column.
    func step<Number: BitwiseCopyable>(_ slots: any Slots, column actions: [Number]) {
        ended = []
        actions.withUnsafeBytes { actions in
            observation.withUnsafeMutableBytes { observation in
                reward.withUnsafeMutableBufferPointer { reward in
                    terminated.withUnsafeMutableBufferPointer { terminated in
                        truncated.withUnsafeMutableBufferPointer { truncated in
                            let row = SlotsRow(
                                actions: actions, observation: observation, reward: reward, terminated: terminated, truncated: truncated)
                            try! slots.step(row) {
                                let final = Array($0.finalObservation.assumingMemoryBound(to: Float.self))
                                self.ended.append(($0.slot, final, $0.episodeReturn, $0.length))
                            }
                        }
                    }
                }
            }
        }
    }
    subscript(slot: Int) -> [Float] { Array(observation[(slot * width)..<((slot + 1) * width)]) }
}

@Suite struct SlotsTests {
    @Test func truncationIsNotTermination() {
        let slots = VectorSlots<Clock>(count: 2, key: RandomKey(seed: 1, purpose: .environment))
        let row = Row(slots)
        let firstStart = row[0][0]
        for step in 1...4 {
            row.step(slots, [1, 2])
            #expect(row.terminated == [0, 0] && row.truncated == [0, 0] && row.ended.isEmpty)
            #expect(row[0] == [firstStart, Float(step)])
        }
        // The fifth step reaches the limit; slot 1 terminates in that very step, and termination wins.
        row.step(slots, [3, 7])
        #expect(row.terminated == [0, 1])
        #expect(row.truncated == [1, 0])
        #expect(row.reward == [3, 7])
        #expect(row.ended.map(\.slot) == [0, 1])
        #expect(row.ended[0].final == [firstStart, 5])
        #expect(row.ended.map(\.episodeReturn) == [7, 15])
        #expect(row.ended.map(\.length) == [5, 5])
        // The next row already belongs to the next episode.
        #expect(row[0][1] == 0 && row[1][1] == 0 && row[0][0] != firstStart)
        row.step(slots, [1, 1])
        #expect(row.ended.isEmpty && row[0][1] == 1)
    }

    @Test func startsAreAFunctionOfSlotAndEpisode() {
        let key = RandomKey(seed: 7, purpose: .environment, actor: 2, incarnation: 1)
        // The same slot and episode start equally whatever happened before and however many slots there are.
        let (few, many) = (VectorSlots<Clock>(count: 1, key: key), VectorSlots<Clock>(count: 3, key: key))
        let (fewRow, manyRow) = (Row(few), Row(many))
        #expect(fewRow[0] == manyRow[0])
        fewRow.step(few, [7])
        for _ in 1...5 { manyRow.step(many, [0, 7, 1]) }
        #expect(fewRow[0] == manyRow[0])
        var random = key.stream(slot: 0, episode: 1)
        #expect(fewRow[0][0] == Float(random.uniform()))
        // Slot 1 ended five episodes.
        random = key.stream(slot: 1, episode: 5)
        #expect(manyRow[1][0] == Float(random.uniform()))
    }

    @Test func resetGoesToTheNextEpisode() {
        let key = RandomKey(seed: 7, purpose: .environment)
        let slots = VectorSlots<Clock>(count: 1, key: key)
        let row = Row(slots)
        row.observation.withUnsafeMutableBytes { slots.reset(observation: $0) }
        var random = key.stream(slot: 0, episode: 1)
        #expect(row[0][0] == Float(random.uniform()))
    }

    @Test func otherActorsAndSeedsSeeOtherEpisodes() {
        func start(_ key: RandomKey) -> Float { Row(VectorSlots<CartPole>(count: 1, key: key)).observation[0] }
        let keys = [
            RandomKey(seed: 1, purpose: .environment), RandomKey(seed: 2, purpose: .environment),
            RandomKey(seed: 1, purpose: .environment, actor: 1), RandomKey(seed: 1, purpose: .environment, incarnation: 1),
            RandomKey(seed: 1, purpose: .evaluation),
        ]
        #expect(Set(keys.map(start)).count == keys.count)
        #expect(start(keys[0]) == start(keys[0]))
    }

    @Test func cartPoleEpisodesEndAndCount() throws {
        let slots = try EnvironmentCatalogue.native.resolve(EnvironmentSettings("CartPole-v1")).make(
            slots: 8, key: RandomKey(seed: 5, purpose: .environment))
        let row = Row(slots)
        var ended = 0
        var steps = 0
        var lengths: Int32 = 0
        for step in 0..<3000 {
            row.step(slots, (0..<8).map { Int32(($0 + step) % 2) })
            steps += 8
            ended += row.ended.count
            for episode in row.ended {
                lengths += episode.length
                #expect(episode.episodeReturn == Float(episode.length))
                #expect(episode.length <= 500)
                #expect(row[episode.slot].allSatisfy { abs($0) <= 0.05 })
                #expect(abs(episode.final[2]) > 0.2094 || abs(episode.final[0]) > 2.4 || episode.length == 500)
            }
        }
        #expect(ended > 50 && Int(lengths) <= steps)
    }
}

@Suite struct EnvironmentCatalogueTests {
    @Test func namesTheNearest() throws {
        let key = RandomKey(seed: 1, purpose: .environment)
        #expect(throws: EnvironmentError.self) { try EnvironmentCatalogue.native.resolve(EnvironmentSettings("cartpol-v1")) }
        do {
            _ = try EnvironmentCatalogue.native.environment(id: "cartpol-v1")
        } catch {
            #expect(error.description.contains("cartpol-v1") && error.remedy.contains("Did you mean \"CartPole-v1\"?"))
        }
        do {
            _ = try EnvironmentCatalogue.native.environment(id: "zzz")
        } catch {
            #expect(!error.remedy.contains("mean") && error.remedy.contains("CartPole-v1"))
        }
        #expect(throws: EnvironmentError.self) {
            try EnvironmentCatalogue.native.resolve(EnvironmentSettings("CartPole-v1")).make(slots: 0, key: key)
        }
    }

    @Test func takesTheEnvironmentsOfOthers() throws {
        let catalogue = EnvironmentCatalogue([CartPole.self]).adding([Clock.self])
        #expect(catalogue.ids == ["CartPole-v1", "Clock-v0"])
        let clock = try catalogue.resolve(EnvironmentSettings("Clock-v0"))
        let slots = try clock.make(slots: 3, key: RandomKey(seed: 1, purpose: .environment))
        #expect(slots.count == 3 && slots.observationSpace.shape == [2] && slots.actionSpace == .discrete(8))
    }
}
