import Glibc
import Platform
import Testing

extension Cluster {
    @Suite struct ChaosTests {
        @Test func theScheduleIsAFunctionOfTheSeed() throws {
            try scene { scene in
                func schedule(_ seed: Int) throws -> String {
                    let end = try scene.finish(.apus, ["chaos", "cartpole", "--runs", scene.runs, "--schedule", "--faults", "200", "--seed", "\(seed)"])
                    #expect(end.exit == .code(0))
                    return end.output
                }
                let first = try schedule(7)
                #expect(try schedule(7) == first && schedule(8) != first)
                #expect(first.split(separator: "\n").count == 200)
                for kind in ["killed", "stopped", "silent", "closed", "half-open", "ms away", "B/s", "slowed", "disk full"] {
                    #expect(first.contains(kind), "200 faults and no \(kind)")
                }
                #expect(!Files.exists(scene.runs))
            }
        }

        @Test func tenFaultsAreSurvived() throws { try survives(faults: 10, within: 240) }

        @Test(.enabled(if: getenv("APUS_LONG_TESTS") != nil, "a hundred faults take some minutes: set APUS_LONG_TESTS=1"))
        func aHundredFaultsAreSurvived() throws { try survives(faults: 100, within: 1200) }

        private func survives(faults: Int, within seconds: Double) throws {
            try scene { scene in
                let seed = Int.random(in: 0..<1_000_000)
                let end = try scene.finish(
                    .apus, ["chaos", "cartpole", "--runs", scene.runs, "--faults", "\(faults)", "--seed", "\(seed)"], within: seconds)
                #expect(end.exit == .code(0), "\(end.output)")
                #expect(end.output.contains("survived \(faults) faults") && end.output.contains("every run was made again bit for bit"))
            }
        }
    }
}
