import Glibc
import Platform
import Testing

/// What `apus environments` says about environments and about traces.
@Suite struct EnvironmentsTests {
    private let corridor = "\(Program.folder)/corridor-worker"
    private let trace = "\(Files.parent(of: #filePath))/../EnvironmentsTests/Fixtures/CartPole-v1.csv"

    @Test func listNamesFamilies() throws {
        try inScratch { folder in
            let report = try Program.apus(["environments", "--json"], in: folder).json()
            #expect(report["families"]?.array?.compactMap { $0["prefix"]?.string } == ["gymnasium", "pettingzoo", "worker"])
            #expect(try Program.apus(["environments"], in: folder).output.contains("worker:PROGRAM"))
        }
    }

    /// A missing library is told before anything starts: one error with the remedy, and no run directory.
    @Test func trainingWithoutItsLibraryLeavesNothing() throws {
        try inScratch { folder in
            let words = ["MUJOCO_PATH=\(folder)/nowhere", "\(Program.folder)/apus", "train", "halfcheetah"]
            let result = try Program("/usr/bin/env", words, in: folder).result()
            #expect(result.code == 1 && result.error.contains("\(folder)/nowhere") && !Files.exists("\(folder)/runs"), "\(result.error)")
        }
    }

    /// A program by its path, and the same under its family's name.
    @Test func aGoodWorkerPasses() throws {
        try inScratch { folder in
            let result = try Program.apus(["environments", "check", corridor, "--json", "--slots", "3", "--steps", "300"], in: folder)
            let report = try result.json()
            #expect(result.code == 0 && report["passed"]?.bool == true && report["id"]?.string == "worker:\(corridor)")
            let checks = report["checks"]?.array ?? []
            #expect(
                checks.compactMap { $0["name"]?.string } == [
                    "answers", "spaces", "same seed", "other seed", "endings", "final observation", "step limit", "killed (−9)",
                ])
            #expect(checks.allSatisfy { $0["result"]?.string == "PASS" }, "\(checks)")
            #expect(report["step_seconds"]?["p99"]?.number ?? 0 > 0 && report["steps_per_second"]?.number ?? 0 > 0)
            let text = try Program.apus(["environments", "check", "worker:\(corridor)", "--set", "length=5", "--steps", "50"], in: folder)
            #expect(text.code == 0 && text.output.contains("All passed.") && text.output.contains("p99"))
        }
    }

    @Test(arguments: [
        ("nan-observation 7 100", "answers", "nan at element 1"), ("exit 9 100", "answers", "ended with exit code 5"),
        ("other-starts 0 100", "same seed", "does not follow from the seeds"), ("no-seeds 0 100", "other seed", "--deterministic"),
        ("next-final 0 100", "final observation", "the last observation of the old one is expected"),
        ("outside 5 100", "spaces", "is 2000.0 at element 1, the space is 0.0 to 1000.0"),
        ("no-limit 0 100", "step limit", "goes on after step 7"),
    ])
    func aBadWorkerFails(_ words: String, check: String, says: String) throws {
        try inScratch { folder in
            let id = "worker:\(Program.folder)/faulty-worker \(words)"
            let arguments = ["environments", "check", id, "--json", "--slots", "2", "--steps", "40", "--set", "restarts=1000000"]
            let result = try Program.apus(arguments, in: folder)
            let report = try result.json()
            #expect(result.code == 1 && report["passed"]?.bool == false)
            let found = report["checks"]?.array?.first { $0["name"]?.string == check }
            #expect(found?["result"]?.string == "FAIL" && found?["text"]?.string?.contains(says) == true, "\(report)")
        }
    }

    @Test func aNativeEnvironmentPasses() throws {
        try inScratch { folder in
            let result = try Program.apus(["environments", "check", "CartPole-v1", "--steps", "200"], in: folder)
            #expect(result.code == 0 && !result.output.contains("killed"), "\(result.output)")
        }
    }

    @Test(arguments: [
        (["check", "CartPool-v1"], 1, "Did you mean \"CartPole-v1\"?"),
        (["check", "worker:nothing-here"], 1, "no program \"nothing-here\""),
        (["check", "CartPole-v1", "--slots", "0"], 64, "allowed are 1 to 65536"),
        (["check", "CartPole-v1", "--set", "a"], 64, "NAME=NUMBER"),
        (["chekc", "CartPole-v1"], 64, "Did you mean check?"), (["replay", "CartPole-v1", "none.csv"], 1, "none.csv"),
        (["replay", "MinAtar/Breakout", "none.csv"], 1, "the state of MinAtar/Breakout cannot be set"),
    ])
    func mistakes(_ arguments: [String], code: Int32, says: String) throws {
        try inScratch { folder in
            let result = try Program.apus(["environments"] + arguments, in: folder)
            #expect(result.code == code && result.output.isEmpty && result.error.contains(says), "\(result.error)")
        }
    }

    // MARK: Traces

    @Test func aTraceIsReplayed() throws {
        try inScratch { folder in
            let result = try Program.apus(["environments", "replay", "CartPole-v1", trace, "--json"], in: folder)
            let report = try result.json()
            #expect(result.code == 0 && report["passed"]?.bool == true && report["rows"]?.integer == 400)
            #expect(report["observation"]?.number ?? 1 < 1e-6 && report["flags"]?.integer == 0)
        }
    }

    /// One number, one flag, or the line ends are changed.
    @Test func deviationsFail() throws {
        try inScratch { folder in
            let lines = String(decoding: try Files.read(trace), as: UTF8.self).split(whereSeparator: \.isNewline)
            func replay(_ line: Int, _ column: Int, _ value: String) throws -> Program.Result {
                var changed = lines.map(String.init)
                var cells = changed[line].split(separator: ",").map(String.init)
                cells[column] = value
                changed[line] = cells.joined(separator: ",")
                try Files.write(Array(changed.joined(separator: "\n").utf8), to: "\(folder)/trace.csv")
                return try Program.apus(["environments", "replay", "CartPole-v1", "trace.csv"], in: folder)
            }
            let same = try replay(3, 1, "2")
            #expect(same.code == 0 && same.output.contains("PASS"), "\(same)")
            let observation = try replay(3, 7, "0.5")
            #expect(observation.code == 1 && observation.output.contains("FAIL") && observation.output.contains("(line 4)"))
            let flag = try replay(3, 12, "1")
            #expect(flag.code == 1 && flag.output.contains("1 wrong, the first in line 4"))
            for (line, column, value, says) in [
                (3, 7, "x", "obs0 is \"x\", which is no finite number (in trace.csv, line 4, column 8)"),
                (3, 2, "nan", "state0 is \"nan\", which is no finite number (in trace.csv, line 4, column 3)"),
                (3, 12, "2", "terminated is \"2\""), (3, 6, "3", "action0 is 3.0, the space is 0 to 1 (in trace.csv, line 4)"),
                (0, 7, "obs9", "0 columns obs0"), (0, 0, "epsiode", "no column \"episode\" (in trace.csv, line 1)"),
                (3, 13, "0,0", "15 cells in place of 14 (in trace.csv, line 4, column 15)"),
            ] {
                let result = try replay(line, column, value)
                #expect(result.code == 1 && result.output.isEmpty && result.error.contains(says), "\(says): \(result.error)")
            }
        }
    }
}
