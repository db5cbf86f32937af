import Platform
import Runs
import Testing

/// Runs of token policies from the command line on, some thousand tokens long.
@Suite struct TokenRunTests {
    private static func train(_ preset: String, _ changes: [String], program: String = "apus", in folder: String) throws -> Program.Result {
        let small = ["stop.return=null", "tokens.width=16", "tokens.layers=1", "metrics.every_seconds=0.0001"]
        return try Program(
            program, ["train", preset, "--json", "--name", "one"] + (small + changes).flatMap { ["--set", $0] }, in: folder
        ).result()
    }

    @Test func evaluationTellsHowOftenAndWhatWasSaid() throws {
        try inScratch { folder in
            let changes = ["environment.options.digits=1", "warmup.updates=75", "warmup.batch=32", "stop.frames=5000", "stop.evaluation_episodes=8"]
            let trained = try Self.train("addition", changes, in: folder)
            try #require(trained.code == 0, "\(trained.error)")

            func evaluate(_ more: [String]) throws -> Program.Result { try Program.apus(["evaluate", "runs/one", "--episodes", "12"] + more, in: folder) }
            let json = try evaluate(["--samples", "3", "--show", "2", "--json"]).json()
            #expect(json["environment"]?.string == "addition" && json["tasks"]?.integer == 12 && json["samples"]?.integer == 3)
            #expect(try json["version"]?.integer == trained.json()["version"]?.integer)
            let rates = try #require(json["pass_rates"]?.object)
            #expect(rates.map(\.name) == ["1", "2", "3"])
            #expect(zip(rates, rates.dropFirst()).allSatisfy { $0.value.number! <= $1.value.number! })
            let reward = try #require(json["mean_reward"]?.number)
            #expect(abs(reward - rates[0].value.number!) < 1e-6, "the reward is 1 where the response is correct")
            let shown = try #require(json["shown"]?.array)
            #expect(shown.count == 2 && shown.allSatisfy { $0["responses"]?.array?.count == 3 && $0["prompt"]?.string?.hasSuffix("=") == true })
            #expect(try evaluate(["--samples", "3", "--show", "2", "--json"]).json() == json, "the same checkpoint, seed and numbers")
            #expect(try evaluate(["--samples", "3", "--seed", "9", "--show", "2", "--json"]).json() != json)

            let lines = try evaluate(["--samples", "3", "--show", "2"]).output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines[0].hasSuffix("in addition: 3 responses to each of 12 held-out tasks") && lines[1].contains("pass@3"), "\(lines)")
            #expect(lines.filter { $0.hasPrefix("task ") }.count == 2)
            let responses = lines.filter { $0.hasPrefix("  + 1.00  ") || $0.hasPrefix("  - 0.00  ") }
            #expect(responses.count == 6 && !responses.contains { $0.contains("⏎") }, "the stop is no part of a response: \(responses)")

            let sampled = try evaluate(["--sampled"])
            #expect(sampled.code == 64 && sampled.error.contains("leave --sampled out"))
            let plotted = try Program.apus(["plot", "runs/one", "-o", "x.svg", "--json"], in: folder)
            #expect(plotted.code == 0, "\(plotted.error)")
        }
    }

    /// One response is lost to a verifier that raises, one to a verifier that hangs: neither is trained on, and the run goes on.
    @Test func aVerifierThatRaisesAndHangsCostsItsResponses() throws {
        try inScratch { folder in
            let changes = ["environment.id=wavering", "warmup.updates=0", "stop.frames=10000", "stop.evaluation_episodes=1"]
            let result = try Self.train("chain", changes, program: "proof-program", in: folder)
            try #require(result.code == 0, "\(result.error)")
            let run = try RunDirectory.open("\(folder)/runs/one")
            let ledger = try LedgerCheck.run(run.ledger)
            #expect(ledger.isSound && ledger.state.totals.failed == 0 && ledger.state.incarnations.count == 1, "\(ledger.text)")
            // Every update has a record of its own: 64 responses, but for those that were not judged.
            let records = try MetricsTable(run.metrics).records.filter { $0.value("responses") != nil }
            #expect(records.reduce(0) { $0 + $1.value("responses_unverified")! } == 2)
            #expect(records.allSatisfy { $0.value("responses")! + $0.value("responses_unverified")! == 64 })
            let log = String(decoding: try Files.read("\(run.log)/actor-0.log"), as: UTF8.self)
            #expect(log.contains("1 response was not judged: the verifier of wavering failed: Doubt()"), "\(log)")
            #expect(log.contains("1 response was not judged: the verifier of wavering has not answered in 1.0 s"), "\(log)")
        }
    }

    /// Nothing can be learned then, and nothing is: the run is as long as it was asked to be.
    @Test func aVerifierThatAlwaysRaisesTeachesNothing() throws {
        try inScratch { folder in
            let changes = [
                "environment.id=wavering", "environment.options.raises=1", "warmup.updates=0", "stop.frames=5000", "stop.evaluation_episodes=4",
            ]
            let result = try Self.train("chain", changes, program: "proof-program", in: folder)
            try #require(result.code == 0, "\(result.error)")
            let run = try RunDirectory.open("\(folder)/runs/one")
            let records = try MetricsTable(run.metrics).records.filter { $0.value("responses") != nil }
            #expect(!records.isEmpty && records.allSatisfy { $0.value("responses") == 0 && $0.value("responses_unverified") == 64 })
            #expect(records.allSatisfy { $0.value("gradient_norm") == 0 && $0.value("training_return") == nil })
            let shown = try Program("proof-program", ["evaluate", "runs/one", "--episodes", "1", "--samples", "2", "--show", "1"], in: folder).result()
            #expect(shown.code == 0 && shown.output.split(separator: "\n").filter { $0.hasPrefix("  ? 0.00  ") }.count == 2, "\(shown.output)\(shown.error)")
        }
    }
}
