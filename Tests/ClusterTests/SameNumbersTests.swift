import Platform
import Runs
import Testing

extension Cluster {
    /// The same numbers from the same seed, and a solution from every seed.
    @Suite struct SameNumbersTests {
        @Test func lockstepIsReproducibleAndLagZeroEqualsIt() throws {
            try scene { scene in
                let lockstep = try weights(scene, "one", ["--lockstep", "--seed", "7"])
                #expect(try weights(scene, "two", ["--lockstep", "--seed", "7"]) == lockstep)
                #expect(try weights(scene, "three", ["--set", "learner.max_lag=0", "--actors", "1", "--seed", "7"]) == lockstep)
                #expect(try weights(scene, "four", ["--lockstep", "--seed", "8"]) != lockstep)
            }
        }

        /// `weights.safetensors` of the last checkpoint.
        private func weights(_ scene: Scene, _ name: String, _ arguments: [String]) throws -> [UInt8] {
            let training = try scene.train(arguments, name: name)
            try expectDone([training.apus])
            return try Files.read("\(training.directory.checkpoints)/latest/weights.safetensors")
        }

        @Test func everySeedSolvesCartPole() throws {
            try scene { scene in
                for seed in 1...10 {
                    let training = try scene.train(["--seed", "\(seed)", "--json"], name: "seed-\(seed)")
                    try expectDone([training.apus])
                    let line = try #require(training.apus.output.split(separator: "\n").last)
                    let report = try JSON.parse(Array(line.utf8), place: "apus train --json")
                    #expect(report["solved"]?.bool == true, "seed \(seed): \(line)")
                    #expect(report["training_return"]?.number ?? 0 >= 475, "seed \(seed): \(line)")
                    #expect(report["evaluation_return"]?.number ?? 0 >= 475, "seed \(seed): \(line)")
                    #expect(report["seconds"]?.number ?? .infinity <= 10, "seed \(seed): \(line)")
                    #expect(report["run_dir"]?.string == training.directory.path)
                    try training.directory.expectSound()
                }
            }
        }
    }
}
