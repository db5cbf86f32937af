import Environments
import Glibc
import Platform
import Tensors
import Testing
import Workers

/// A worker in another language, against what the contract and its own rules say.
@Suite struct CorridorTests {
    @Test func spacesComeFromTheWorker() throws {
        let environment = try EnvironmentCatalogue.standard.resolve(EnvironmentSettings(corridor))
        #expect(environment.observationSpace == .box(shape: [2], low: [0, -1], high: [1, 1]))
        #expect(environment.actionSpace == .discrete(2))
        #expect(environment.maxEpisodeSteps == 50 && environment.solvedReturn == nil)
    }

    /// Every step follows the corridor's rules, computed here from the observations alone.
    @Test func stepsEndingsAndReturnsAreTheEnvironments() throws {
        let (slots, last) = (7, 4)
        let scene = try Scene(corridor, slots: slots, options: ["length": Double(last + 1)], maxEpisodeSteps: 6)
        try scene.reset()
        var (returns, lengths) = ([Float](repeating: 0, count: slots), [Int32](repeating: 0, count: slots))
        var (terminations, truncations) = (0, 0)
        for step in 0..<200 {
            let before = scene.observations
            let actions = (0..<slots).map { Int32((step * 7 + $0 * 3 + step / 5) % 2) }
            try scene.step { actions[$0] }
            var reported = scene.ended[...]
            for slot in 0..<slots {
                let place = Int((before[2 * slot] * Float(last)).rounded()) + (actions[slot] == 1 ? 1 : -1)
                let goal = before[2 * slot + 1]
                lengths[slot] += 1
                let terminated = place == 0 || place == last
                let truncated = !terminated && lengths[slot] == 6
                let reward: Float = terminated && (place > 0) == (goal > 0) ? 1 : -0.01
                returns[slot] += reward
                #expect(scene.rewards[slot] == reward)
                #expect(scene.terminated[slot] == (terminated ? 1 : 0) && scene.truncated[slot] == (truncated ? 1 : 0))
                guard terminated || truncated else {
                    #expect(scene.observations[2 * slot] == Float(place) / Float(last) && scene.observations[2 * slot + 1] == goal)
                    continue
                }
                let next = reported.popFirst()
                let episode = try #require(next)
                #expect(episode.slot == slot && episode.length == lengths[slot] && abs(episode.episodeReturn - returns[slot]) < 1e-5)
                #expect(episode.final.floats == [Float(place) / Float(last), goal])
                // The next episode starts inside.
                #expect(scene.observations[2 * slot] > 0 && scene.observations[2 * slot] < 1)
                (returns[slot], lengths[slot]) = (0, 0)
                if terminated { terminations += 1 } else { truncations += 1 }
            }
            #expect(reported.isEmpty)
        }
        #expect(terminations > 50 && truncations > 20)
    }

    /// What happens in a slot follows from its seed, not from how slots are divided among processes.
    @Test func processesChangeNothing() throws {
        let one = try Scene(corridor, slots: 7).record(steps: 60)
        #expect(try Scene(corridor, slots: 7).record(steps: 60) == one)
        #expect(try Scene(corridor, slots: 7, options: ["processes": 3]).record(steps: 60) == one)
        #expect(try Scene(corridor, slots: 7, options: ["processes": 20]).record(steps: 60) == one)
        #expect(try Scene(corridor, slots: 7, seed: 2).record(steps: 60) != one)
    }

    @Test func resetStartsNewEpisodes() throws {
        let scene = try Scene(corridor, slots: 8, options: ["length": 1000])
        try scene.reset()
        let first = scene.observations
        try scene.step { _ in 1 }
        try scene.reset()
        #expect(scene.observations != first)
        for _ in 0..<49 { try scene.step { _ in 1 } }
        #expect(scene.truncated.allSatisfy { $0 == 0 } && scene.ended.isEmpty)
        try scene.step { _ in 0 }
        #expect(scene.ended.map(\.length) == Array(repeating: 50, count: 8))
    }

    /// No process, no folder and no descriptor outlives the slots.
    @Test func nothingIsLeftBehind() throws {
        var pids: [Int32] = []
        let before = try Files.list("/proc/self/fd").count
        for _ in 0..<5 {
            let scene = try Scene(corridor, slots: 4, options: ["processes": 2])
            try scene.reset()
            pids += try #require(scene.slots as? ExternalSlots).processes.map(\.pid)
        }
        #expect(Set(pids).count == 10)
        for pid in pids { #expect(kill(pid, 0) == -1 && errno == ESRCH) }
        // Other tests run beside this one and open some of their own.
        #expect(try Files.list("/proc/self/fd").count < before + 200)
    }

    @Test func actionsOutsideTheSpaceAreRefusedBeforeTheyAreSent() throws {
        let scene = try Scene(corridor, slots: 4)
        try scene.reset()
        try scene.step { _ in 1 }
        for value in [2, -1, .max] as [Int32] {
            let error = try remediable { try scene.step { $0 == 2 ? value : 0 } }
            #expect(error.problem == "the action of slot 2 in step 1 is \(value), the space is 0 to 1")
            #expect(error.place == "environment \(corridor)")
        }
        try scene.step { _ in 1 }
        #expect(scene.slots.takeFailures().isEmpty)
    }

    @Test(arguments: [
        (corridor, ["lenght": 5.0], "no such option", "Known: length"),
        (corridor, ["length": 2], "of such a length", "3 to 1000000"),
        (corridor, ["processes": 1.5], "processes is 1.5, allowed is a whole number", "number of worker processes"),
        (corridor, ["step_deadline": 0], "step_deadline is 0.0", "seconds"),
        ("worker:", [:], "names no program", "worker:PROGRAM"),
        ("worker:/no/such/program", [:], "no program \"/no/such/program\"", "chmod +x"),
        ("worker:\(#filePath)", [:], "no program \"\(#filePath)\"", "chmod +x"),
        ("gymnasium:", [:], "names no environment", "gymnasium:"),
        ("wroker:x", [:], "unknown environment", "worker:…"),
    ])
    func mistakes(_ id: String, options: [String: Double], problem: String, remedy: String) throws {
        let error = try remediable { _ = try EnvironmentCatalogue.standard.resolve(EnvironmentSettings(id, options: options)) }
        #expect(error.problem.contains(problem), "\(error)")
        #expect(error.remedy.contains(remedy), "\(error)")
    }
}
