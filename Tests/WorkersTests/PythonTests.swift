import Environments
import Glibc
import Platform
import Tensors
import Testing
import Workers

/// Whether the Python that Apus finds can run the worker, and what else it has.
enum Installed {
    static let versions: [String: String] =
        (try? PythonPackages(["pyzmq", "numpy", "gymnasium", "ale-py", "pettingzoo", "opencv-python-headless"]).versions) ?? [:]
    static func has(_ packages: String...) -> Bool { (["pyzmq", "numpy"] + packages).allSatisfy { versions[$0] != nil } }
    static let comment: Comment = "needs the Python packages pyzmq, numpy and those of the environment"
}

/// The folder of this test target.
private let folder = Files.parent(of: #filePath)

/// Environments in Python, where there is one: $APUS_PYTHON, a virtual environment or python3.
@Suite struct PythonTests {
    private func resolve(_ id: String, options: [String: Double] = [:], maxEpisodeSteps: Int? = nil) throws -> ResolvedEnvironment {
        try EnvironmentCatalogue.standard.resolve(EnvironmentSettings(id, options: options, maxEpisodeSteps: maxEpisodeSteps))
    }

    /// The same worker twice over: in Python with `serve`, and in C. They differ only in their random numbers.
    @Test(.enabled(if: Installed.has(), Installed.comment)) func theExampleInPython() throws {
        let id = "worker:\(folder)/../../workers/examples/python/corridor.py"
        let environment = try resolve(id)
        let other = try resolve(corridor)
        #expect(environment.observationSpace == other.observationSpace && environment.actionSpace == other.actionSpace)
        let scene = try Scene(id, slots: 3, maxEpisodeSteps: 5)
        let numbers = try scene.record(steps: 40)
        #expect(try Scene(id, slots: 3, options: ["processes": 2], maxEpisodeSteps: 5).record(steps: 40) == numbers)
        #expect(try Scene(id, slots: 3, seed: 2, maxEpisodeSteps: 5).record(steps: 40) != numbers)
        let error = try remediable { _ = try resolve(id, options: ["lenght": 5]) }
        #expect(error.problem == "the corridor has no option lenght" && error.remedy == "Known: length.")
    }

    @Test(.enabled(if: Installed.has("gymnasium"), Installed.comment)) func cartPole() throws {
        let environment = try resolve("gymnasium:CartPole-v1")
        #expect(environment.observationSpace == CartPole.observationSpace && environment.actionSpace == .discrete(2))
        #expect(environment.maxEpisodeSteps == 500 && environment.solvedReturn == 475)
        let scene = try Scene("gymnasium:CartPole-v1", slots: 4, maxEpisodeSteps: 12)
        try scene.reset()
        #expect(scene.observations.allSatisfy { abs($0) <= 0.05 })
        var endings = 0
        var native = CartPole()
        for step in 0..<60 {
            let before = scene.observations
            let actions = (0..<4).map { Int32((step + $0) % 2) }
            try scene.step { actions[$0] }
            for slot in 0..<4 {
                // The native port from the same state, known here in single precision.
                try native.restore(before[(4 * slot)..<(4 * slot + 4)].map(Double.init))
                var after = [Float](repeating: 0, count: 4)
                let result = after.withUnsafeMutableBufferPointer { native.step(actions[slot], observation: $0) }
                #expect(scene.rewards[slot] == result.reward && scene.terminated[slot] == (result.terminated ? 1 : 0))
                let reached = scene.ended.first { $0.slot == slot }?.final.floats ?? Array(scene.observations[(4 * slot)..<(4 * slot + 4)])
                #expect(zip(reached, after).allSatisfy { abs($0 - $1) < 1e-5 })
            }
            for episode in scene.ended {
                endings += 1
                #expect(episode.length <= 12 && episode.episodeReturn == Float(episode.length))
                #expect(scene.truncated[episode.slot] == (episode.length == 12 && scene.terminated[episode.slot] == 0 ? 1 : 0))
            }
        }
        #expect(endings >= 16)
        let record = try Scene("gymnasium:CartPole-v1", slots: 3).record(steps: 30)
        #expect(try Scene("gymnasium:CartPole-v1", slots: 3).record(steps: 30) == record)
    }

    @Test(
        .enabled(if: Installed.has("gymnasium"), Installed.comment),
        arguments: [
            ("gymnasium:CartPole-v7", [:], "CartPole-v7", "pprint_registry"),
            ("gymnasium:CartPool-v1", [:], "CartPool", "pprint_registry"),
            ("gymnasium:CartPole-v1", ["sutton_barto_rewards": 1], "CartPole-v1 has no option \"sutton_barto_rewards\"", "gymnasium.make"),
            ("gymnasium:no_such_module:Id-v0", [:], "needs the Python module \"no_such_module\"", "-m pip install no_such_module"),
            ("pettingzoo:no_such/game_v0", [:], "no_such", "-m pip install"),
        ] as [(String, [String: Double], String, String)])
    func mistakes(_ id: String, options: [String: Double], problem: String, remedy: String) throws {
        let error = try remediable { _ = try resolve(id, options: options) }
        #expect(error.problem.contains(problem) && error.place == "environment \(id)", "\(error)")
        #expect(error.remedy.contains(remedy), "\(error)")
    }

    /// Every kind of space, by environments that tell back what they were told.
    @Test(.enabled(if: Installed.has("gymnasium"), Installed.comment)) func spaces() throws {
        let program = "worker:\(folder)/Fixtures/worlds.py"
        func space(_ name: String) throws -> (Space, Space) {
            let environment = try resolve("\(program)?\(name)")
            return (environment.observationSpace, environment.actionSpace)
        }
        #expect(try space("pixels") == (.bytes(shape: [3, 4, 2], high: 255), .discrete(3)))
        #expect(try space("flags") == (.bytes(shape: [5], high: 1), .multiDiscrete([2, 2, 2])))
        #expect(try space("place") == (.bytes(shape: [6], high: 1), .multiDiscrete([2, 3])))
        #expect(
            try space("parts")
                == (
                    .box(shape: [5], low: [0, 0, 0, -1, -1], high: [1, 1, 1, 1, 1]),
                    .box(shape: [2], low: [-1, -.infinity], high: [1, .infinity])
                ))
        let error = try remediable { _ = try space("words") }
        #expect(error.problem.contains("key 'text'") && error.problem.contains("no fixed number of elements"), "\(error)")

        // Discrete spaces may start elsewhere than at 0.
        let scene = try Scene("\(program)?pixels", slots: 2)
        try scene.reset()
        try scene.step { Int32($0 + 1) }
        #expect(scene.rewards == [6, 7])
        let parts = try Scene("\(program)?parts", slots: 1)
        try parts.reset()
        parts.actions.copyBytes(from: [Float(0.5), 7].withUnsafeBytes { [UInt8]($0) })
        try parts.step()
        // A dictionary in its own order: the room, one of three, and the place in it.
        #expect(parts.observations == [0, 0, 1, 0.5, -0.25] && parts.rewards == [7])
    }

    /// What an environment does wrong is told with the slot, and costs its episode.
    @Test(
        .enabled(if: Installed.has("gymnasium"), Installed.comment),
        arguments: [
            ("raises", "slot 1: ValueError: no more luck"),
            ("shapes", "slot 0: ValueError: an observation of shape (3,), the space has (2,)"),
            ("nan", "the observation of slot 0 in step 3 is nan at element 1"), ("leaves", "ended with exit code 9"),
        ])
    func wrongDoings(_ name: String, cause: String) throws {
        let scene = try Scene("worker:\(folder)/Fixtures/worlds.py?\(name)", slots: 2)
        try scene.reset()
        for _ in 0..<3 { try scene.step { Int32($0) } }
        #expect(scene.slots.takeFailures().isEmpty)
        try scene.step { Int32($0) }
        #expect(scene.truncated == [1, 1] && scene.ended.map(\.length) == [4, 4])
        let failures = scene.slots.takeFailures()
        #expect(failures.count == 1 && failures[0].cause.contains(cause), "\(failures)")
    }

    @Test(.enabled(if: Installed.has("gymnasium", "ale-py"), Installed.comment)) func pong() throws {
        let environment = try resolve("gymnasium:ALE/Pong-v5")
        #expect(environment.observationSpace == .bytes(shape: [4, 84, 84], high: 255) && environment.actionSpace == .discrete(6))
        #expect(environment.maxEpisodeSteps == 27_000)
        #expect(try resolve("gymnasium:ALE/Pong-v5", options: ["full_action_space": 1, "stack": 2]).observationSpace.shape == [2, 84, 84])
        let scene = try Scene("gymnasium:ALE/Pong-v5", slots: 2, maxEpisodeSteps: 9)
        let numbers = try scene.record(steps: 20)
        #expect(scene.slots.takeFailures().isEmpty)
        #expect(try Scene("gymnasium:ALE/Pong-v5", slots: 2, maxEpisodeSteps: 9).record(steps: 20) == numbers)
        try scene.reset()
        for step in 0..<9 {
            try scene.step { _ in 0 }
            #expect(scene.truncated == (step == 8 ? [1, 1] : [0, 0]))
        }
        #expect(scene.ended.map(\.length) == [9, 9])
        let error = try remediable { _ = try resolve("gymnasium:ALE/Pong-v5", options: ["frame_skip": 4]) }
        #expect(error.problem == "ALE/Pong-v5 has no option \"frame_skip\"" && error.remedy.contains("frameskip"))
    }

    /// Releases of ale-py without a vector environment: Gymnasium's wrappers do the same, with the same limit.
    @Test(.enabled(if: Installed.has("gymnasium", "ale-py", "opencv-python-headless"), Installed.comment))
    func pongOfAnOlderRelease() throws {
        let program = "worker:\(folder)/Fixtures/older_ale.py?gymnasium:ALE/Pong-v5"
        let (older, newer) = (try resolve(program), try resolve("gymnasium:ALE/Pong-v5"))
        #expect(older.observationSpace == newer.observationSpace && older.actionSpace == newer.actionSpace)
        #expect(older.maxEpisodeSteps == newer.maxEpisodeSteps)
        let scene = try Scene(program, slots: 2, maxEpisodeSteps: 9)
        try scene.reset()
        #expect(Set(scene.row.observation).count > 2)
        for step in 0..<18 {
            try scene.step { _ in 0 }
            #expect(scene.truncated == (step % 9 == 8 ? [1, 1] : [0, 0]) && scene.terminated == [0, 0])
        }
        #expect(scene.slots.takeFailures().isEmpty)
        let error = try remediable { _ = try resolve(program, options: ["fire_reset": 1]) }
        #expect(error.problem == "fire_reset needs a newer ale-py" && error.remedy.contains("--upgrade ale-py"))
    }

    /// Two agents, one of which is out early, in a game of our own.
    @Test(.enabled(if: Installed.has("gymnasium", "pettingzoo"), Installed.comment)) func agents() throws {
        let program = "worker:\(folder)/Fixtures/games.py"
        let scene = try Scene("\(program)?pettingzoo:tag", slots: 4)
        try scene.reset()
        #expect(scene.observations == [0, 0, 1, 0, 0, 0, 1, 0])
        var returns: [Float] = []
        for step in 1...12 {
            try scene.step { Int32($0 % 2) }
            let out = step % 6 > 2 || step % 6 == 0
            #expect(scene.rewards == (out ? [0, 2, 0, 2] : [1, 2, 1, 2]), "step \(step)")
            if step % 6 == 0 {
                #expect(scene.terminated == [1, 0, 1, 0] && scene.truncated == [0, 1, 0, 1])
                #expect(scene.ended.map(\.length) == [6, 6, 6, 6])
                // The agent that was out sees zeros to the end.
                #expect(scene.ended.flatMap(\.final.floats) == [0, 0, 1, 6, 0, 0, 1, 6])
                returns += scene.ended.map(\.episodeReturn)
            } else {
                #expect(scene.observations == (out ? [0, 0, 1, Float(step % 6)] : [0, Float(step % 6), 1, Float(step % 6)]).doubled)
                #expect(scene.ended.isEmpty)
            }
        }
        #expect(returns == [2, 12, 2, 12, 2, 12, 2, 12])
        let odd = try remediable { _ = try Scene("\(program)?pettingzoo:tag", slots: 3) }
        #expect(odd.problem == "3 slots are no multiple of the 2 agents that play together" && odd.remedy.contains("2 or 4 slots"))
        let unequal = try remediable { _ = try resolve("\(program)?pettingzoo:unequal") }
        #expect(unequal.problem.contains("action spaces differ") && unequal.remedy.contains("pad_action_space_v0"))
    }
}

extension [Float] {
    fileprivate var doubled: [Float] { self + self }
}

/// Pythons that cannot run a worker, as programs that stand in for one.
@Suite struct PythonInstallationTests {
    @Test(arguments: [
        ("exit 0", "ended with exit code 0", ""),
        ("echo \"ModuleNotFoundError: No module named 'zmq'\" >&2; exit 1", "No module named 'zmq'", "/python -m pip install pyzmq numpy"),
        ("echo \"ModuleNotFoundError: No module named 'numpy'\" >&2; exit 1", "No module named 'numpy'",
            "/python -m pip install numpy pyzmq"),
    ])
    func withoutPackages(_ script: String, problem: String, remedy: String) throws {
        let place = "/tmp/apus-python-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try Files.createDirectory(place)
        defer { try? Files.remove(place) }
        try Files.write(Array("#!/bin/sh\n\(script)\n".utf8), to: "\(place)/python")
        chmod("\(place)/python", 0o755)
        let environment = try PythonFamily.gymnasium.environment(
            "CartPole-v1", EnvironmentSettings("gymnasium:CartPole-v1"), python: "\(place)/python")
        let error = try remediable { _ = try environment.resolved() }
        #expect(error.problem.contains("does not start") && error.problem.contains(problem), "\(error)")
        #expect(error.remedy.contains(remedy), "\(error)")
    }
}
