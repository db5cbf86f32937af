import Glibc
import Platform
import Runs
import TestSupport
import Testing

@Suite struct RunDirectoryTests {
    @Test func createsTheLayoutAndReopens() throws {
        try inScratch { folder in
            var spec = RunSpec()
            spec.actors.slots = 7
            let run = try RunDirectory.create(runs: "\(folder)/deep/runs", name: "first", spec: spec)
            #expect(try Files.list(run.path) == ["checkpoints", "log", "run.yaml"])
            #expect(run.name == "first")
            let again = try RunDirectory.open("\(folder)/deep/runs/first/")
            #expect(again == run)
            #expect(try again.loadSpec() == spec)
            #expect(try again.loadSpec(overrides: ["actors.slots=8"]).actors.slots == 8)
        }
    }

    @Test func defaultNamesAreUnique() throws {
        try inScratch { folder in
            let names = try (0 ..< 3).map { _ in
                try RunDirectory.create(runs: folder, spec: RunSpec.load("cartpole"), now: 1_700_000_000).name
            }
            #expect(names[0].wholeMatch(of: /cartpole-2023111[45]-\d{6}/) != nil)
            #expect(names[1] == names[0] + "-2")
            #expect(names[2] == names[0] + "-3")
        }
    }

    @Test func refusals() throws {
        try inScratch { folder in
            _ = try RunDirectory.create(runs: folder, name: "taken", spec: RunSpec())
            #expect(throws: RunDirectoryError.exists("\(folder)/taken")) {
                try RunDirectory.create(runs: folder, name: "taken", spec: RunSpec())
            }
            #expect(throws: RunDirectoryError.badName("../up")) { try RunDirectory.create(runs: folder, name: "../up", spec: RunSpec()) }
            try Files.write([1], to: "\(folder)/file")
            #expect(throws: FileError("create the directory", "\(folder)/file", code: ENOTDIR)) {
                try RunDirectory.create(runs: folder, name: "file", spec: RunSpec())
            }
            #expect(throws: FileError("create the directory", "\(folder)/file", code: ENOTDIR)) {
                try RunDirectory.create(runs: "\(folder)/file", name: "x", spec: RunSpec())
            }
            #expect(throws: RunDirectoryError.notARun(folder)) { try RunDirectory.open(folder) }
            #expect(throws: FileError("open the run", "\(folder)/none", code: ENOENT)) { try RunDirectory.open("\(folder)/none") }
            #expect(throws: FileError("open the run", "\(folder)/file", code: ENOTDIR)) { try RunDirectory.open("\(folder)/file") }
            // Nobody may write under /proc, root neither.
            #expect(throws: FileError.self) { try RunDirectory.create(runs: "/proc/self", name: "x", spec: RunSpec()) }
        }
    }

    @Test func lockIsExclusiveNamesItsHolderAndDiesWithIt() throws {
        try inScratch { folder in
            let run = try RunDirectory.create(runs: folder, name: "a", spec: RunSpec())
            do {
                let lock = try RunLock(run)
                #expect(throws: RunDirectoryError.locked(run.path, holder: getpid())) { try RunLock(run) }
                withExtendedLifetime(lock) {}
            }
            let child = try forked {
                // The parent asks at the same time, and so has it for moments.
                var lock: RunLock?
                while lock == nil { lock = try? RunLock(run) }
                withExtendedLifetime(lock) { _ = pause() }
            }
            var holder: Int32?
            for _ in 0 ..< 2000 where holder == nil {
                usleep(1000)
                do { _ = try RunLock(run) } catch RunDirectoryError.locked(_, let pid) where pid == child {
                    holder = pid
                } catch is RunDirectoryError {}
            }
            #expect(holder == child)
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
            _ = try RunLock(run)
        }
    }
}
