import Environments
import Glibc
import Platform
import Testing
import Workers

/// Workers that go wrong in every way, as real processes.
@Suite struct FaultTests {
    private func faulty(_ fault: String, at step: Int = 4, lives: Int = 1, shares: Bool = false) -> String {
        "worker:\(buildFolder)/faulty-worker \(fault) \(step) \(lives)\(shares ? " shares" : "")"
    }

    /// The fault of one step costs its slots their episode, and nothing else.
    @Test(arguments: [
        ("exit", "ended with exit code 5: Traceback: the world is not enough"), ("kill", "killed by signal 9"),
        ("segfault", "killed by signal 11"),
        ("stop", "no answer to step 4 for 0.5 s"), ("late", "no answer to step 4 for 0.5 s"), ("error", "slot 1: ValueError: the sky fell"),
        ("garbage", "3 bytes are not a worker.FromWorker"), ("empty", "body is missing"),
        ("other-message", "Observations where Stepped answers Step"), ("short", "23 bytes of observations instead of 24"),
        ("few-frames", "4 frames behind Stepped instead of 5"),
        ("nan-observation", "the observation of slot 1 in step 4 is nan at element 1, allowed is a finite number"),
        ("infinite-reward", "the reward of slot 1 in step 4 is -inf"), ("flag", "slot 1 in step 4 is terminated 2 and truncated 0"),
        ("both-flags", "slot 0 in step 4 is terminated 1 and truncated 1"),
        ("no-final", "0 bytes of final observations of 1 ended slots instead of 8"),
        ("long-final", "4 bytes of final observations of 0 ended slots instead of 0"),
    ])
    func aFailedStepTruncates(_ fault: String, cause: String) throws { try truncates(faulty(fault), cause) }

    /// The same where steps go through memory.
    @Test(arguments: [
        ("exit", "ended with exit code 5: Traceback: the world is not enough"), ("kill", "killed by signal 9"),
        ("segfault", "killed by signal 11"), ("stop", "no answer to step 4 for 0.5 s"), ("late", "no answer to step 4 for 0.5 s"),
        ("error", "slot 1: ValueError: the sky fell"), ("garbage", "3 bytes are not a worker.FromWorker"),
        ("empty", "body is missing"), ("other-message", "Observations where memory or a Failure answers Step"),
        ("nan-observation", "the observation of slot 1 in step 4 is nan at element 1, allowed is a finite number"),
        ("infinite-reward", "the reward of slot 1 in step 4 is -inf"), ("flag", "slot 1 in step 4 is terminated 2 and truncated 0"),
        ("both-flags", "slot 0 in step 4 is terminated 1 and truncated 1"),
        ("no-final", "0 bytes of final observations of 1 ended slots instead of 8"),
        ("long-final", "8 bytes of final observations of 0 ended slots instead of 0"),
        ("many-finals", "more final observations than slots"), ("most-finals", "more final observations than slots"),
        ("odd-kind", "an answer of kind 7; it is 1 or 2"), ("other-number", "no answer to step 4 for 0.5 s"),
    ])
    func aFailedStepThroughMemoryTruncates(_ fault: String, cause: String) throws { try truncates(faulty(fault, shares: true), cause) }

    private func truncates(_ id: String, _ cause: String) throws {
        let scene = try Scene(id, slots: 3, options: ["step_deadline": 0.5])
        try scene.reset()
        let first = scene.observations
        for step in 0..<4 {
            try scene.step { Int32($0) }
            #expect(scene.observations[1] == Float(step + 1) && scene.rewards == [0, 1, 2])
        }
        #expect(scene.slots.takeFailures().isEmpty)
        let last = scene.observations
        try scene.step { Int32($0) }
        #expect(scene.rewards == [0, 0, 0] && scene.terminated == [0, 0, 0] && scene.truncated == [1, 1, 1])
        #expect(scene.ended.map(\.slot) == [0, 1, 2] && scene.ended.map(\.length) == [5, 5, 5])
        #expect(scene.ended.map(\.episodeReturn) == [0, 4, 8])
        #expect(scene.ended.flatMap(\.final.floats) == last)
        let failures = scene.slots.takeFailures()
        #expect(failures.count == 1 && failures[0].slots == 0..<3)
        #expect(failures[0].cause.contains(cause), "\(failures)")
        // Other seeds: the same start would lead to the same end.
        #expect(scene.observations != first && scene.observations[1] == 0)
        for step in 0..<10 {
            try scene.step { _ in 1 }
            #expect(scene.ended.count == (step == 9 ? 3 : 0))
        }
        #expect(scene.ended.map(\.episodeReturn) == [10, 10, 10] && scene.terminated == [1, 1, 1])
        #expect(scene.slots.takeFailures().isEmpty)
    }

    /// One of several processes fails: the slots of the others go on.
    @Test func onlyTheSlotsOfTheFailedProcessAreTruncated() throws {
        let scene = try Scene(corridor, slots: 6, options: ["processes": 3, "length": 1000])
        try scene.reset()
        try scene.step { _ in 1 }
        let processes = try #require(scene.slots as? ExternalSlots).processes
        #expect(processes.map(\.slots) == [0..<2, 2..<4, 4..<6])
        let before = scene.observations
        kill(processes[1].pid, SIGKILL)
        try scene.step { _ in 1 }
        #expect(scene.truncated == [0, 0, 1, 1, 0, 0] && scene.ended.map(\.slot) == [2, 3])
        #expect(scene.ended.flatMap(\.final.floats) == Array(before[4..<8]))
        #expect(scene.slots.takeFailures().map(\.slots) == [2..<4])
        #expect(try #require(scene.slots as? ExternalSlots).processes.map(\.pid)[0] == processes[0].pid)
        for _ in 0..<48 { try scene.step { _ in 1 } }
        #expect(scene.truncated == [1, 1, 0, 0, 1, 1] && scene.ended.map(\.length) == [50, 50, 50, 50])
    }

    /// A worker counts its own slots; what is told are those of the whole.
    @Test func slotsAreNamedAsTheyStandInTheRow() throws {
        let scene = try Scene(faulty("error", at: 0), slots: 4, options: ["processes": 2])
        try scene.reset()
        try scene.step { _ in 0 }
        let failures = scene.slots.takeFailures()
        #expect(failures.map(\.slots) == [0..<2, 2..<4])
        #expect(failures.map(\.cause) == ["slot 1: ValueError: the sky fell", "slot 3: ValueError: the sky fell"])
    }

    /// A worker that is stopped from outside is killed at the deadline.
    @Test func aStoppedWorkerIsReplaced() throws {
        let scene = try Scene(corridor, slots: 2, options: ["step_deadline": 0.3])
        try scene.reset()
        let pid = try #require(scene.slots as? ExternalSlots).processes[0].pid
        kill(pid, SIGSTOP)
        try scene.step { _ in 1 }
        #expect(scene.truncated == [1, 1] && scene.slots.takeFailures()[0].cause == "no answer to step 0 for 0.3 s")
        #expect(kill(pid, 0) == -1 && errno == ESRCH)
    }

    /// What a worker writes does not stop it, even if nobody reads it.
    @Test func aPipeFullOfWordsDelaysNothing() throws {
        let scene = try Scene(faulty("chatty"), slots: 2)
        try scene.reset()
        for _ in 0..<10 { try scene.step { _ in 0 } }
        #expect(scene.terminated == [1, 1] && scene.slots.takeFailures().isEmpty)
    }

    @Test(arguments: [
        ("exit-at-start", "ended with exit code 3: no luck today", "first line"),
        ("silent", "no answer to its start for 0.5 s", "try the worker alone"),
        ("version", "faulty-worker speaks version 7 of the worker protocol, Apus version 1", "proto/worker.proto"),
        ("garbage-hello", "3 bytes are not a worker.FromWorker", ""), ("refuse", "there is no such world", "make one"),
        ("exit-at-open", "ended with exit code 4", ""),
    ])
    func aWorkerThatDoesNotComeUp(_ fault: String, problem: String, remedy: String) throws {
        let id = faulty(fault, lives: 100)
        let error = try remediable {
            _ = try EnvironmentCatalogue.standard.resolve(EnvironmentSettings(id, options: ["open_deadline": 0.5]))
        }
        #expect(error.problem.contains(problem) && error.place == "environment \(id)", "\(error)")
        #expect(error.remedy.contains(remedy), "\(error)")
    }

    @Test func anotherSpaceThanBeforeIsRefused() throws {
        let error = try remediable { _ = try Scene(faulty("other-space", lives: 100), slots: 2) }
        #expect(error.problem.contains("its spaces are not those that it told before"))
    }

    /// As many failures as allowed are mended, one more is not.
    @Test func tooManyFailuresEndIt() throws {
        let scene = try Scene(faulty("exit", at: 0, lives: 100), slots: 2, options: ["restarts": 2])
        try scene.reset()
        for _ in 0..<2 { try scene.step { _ in 0 } }
        #expect(scene.slots.takeFailures().count == 2)
        let error = try remediable { try scene.step { _ in 0 } }
        let cause = "the worker ended with exit code 5: Traceback: the world is not enough"
        #expect(error.problem == "the environment failed 3 times within a minute, last with: \(cause)")
        #expect(error.remedy.contains("environment.options.restarts") && error.remedy.contains("    Traceback: the world is not enough"))
    }

    /// Memory that is taken away would end this process at its next look.
    @Test func aWorkerCannotShrinkTheMemory() throws {
        let scene = try Scene(faulty("shrink", shares: true), slots: 3)
        try scene.reset()
        for step in 0..<8 {
            try scene.step { Int32($0) }
            #expect(scene.observations[1] == Float(step + 1) && scene.rewards == [0, 1, 2])
        }
        #expect(scene.slots.takeFailures().isEmpty)
    }

    /// Steps are the same through memory and by messages, several processes or one.
    @Test func memoryChangesNothing() throws {
        let numbers = try Scene(faulty("none"), slots: 5, maxEpisodeSteps: 7).record(steps: 40)
        #expect(try Scene(faulty("none", shares: true), slots: 5, maxEpisodeSteps: 7).record(steps: 40) == numbers)
        let divided = try Scene(faulty("none", shares: true), slots: 5, options: ["processes": 3], maxEpisodeSteps: 7)
        #expect(try divided.record(steps: 40) == numbers)
    }

    @Test func anotherAnswerThanShared() throws {
        let error = try remediable { _ = try Scene(faulty("not-shared", lives: 100, shares: true), slots: 2) }
        #expect(error.problem.contains("Observations where Shared answers Share"), "\(error)")
    }

    /// A worker that refuses to go on is not asked again.
    @Test(arguments: [false, true]) func refusalIsFinal(shares: Bool) throws {
        let scene = try Scene(faulty("refuse-step", at: 0, shares: shares), slots: 2)
        try scene.reset()
        let error = try remediable { try scene.step { _ in 0 } }
        #expect(error.problem == "no more" && error.remedy == "stop it")
    }

    /// An episode that the worker should have cut.
    @Test func theStepLimitIsEnforced() throws {
        let limited = try Scene(faulty("none"), slots: 2, maxEpisodeSteps: 4)
        try limited.reset()
        for step in 0..<8 {
            try limited.step { _ in 0 }
            #expect(limited.truncated == (step % 4 == 3 ? [1, 1] : [0, 0]))
        }
    }
}
