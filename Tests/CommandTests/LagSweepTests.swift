import Commands
import Glibc
import Methods
import Platform
import Runs
import Testing

@Suite struct LagSweepTests {
    private static let short = ["lag-sweep", "cartpole", "--set", "stop.evaluation_episodes=2", "--set", "actors.slots=8"]

    private func cells(_ folder: String) -> Int {
        ((try? Files.read("\(folder)/sweeps/cells.jsonl")) ?? []).count { $0 == UInt8(ascii: "\n") }
    }

    @Test func everyCorrectionAtEveryLag() throws {
        try inScratch { folder in
            let arguments = Self.short + ["--frames", "4000", "--lags", "2,0", "--corrections", "none,clip,vtrace", "-o", "lag.svg", "--json"]
            let result = try Program.apus(arguments + ["--seeds", "2"], in: folder)
            #expect(result.code == 0, "\(result.error)")
            let report = try result.json()
            #expect(report["frames"]?.integer == 4000 && report["seeds"]?.integer == 2 && report["failed"]?.integer == 0)
            let rows = try #require(report["rows"]?.array)
            #expect(rows.map { $0["correction"]?.string } == ["none", "none", "clip", "clip", "vtrace", "vtrace"])
            #expect(rows.map { $0["lag"]?.integer } == [0, 2, 0, 2, 0, 2])
            for row in rows {
                #expect(row["returns"]?.array?.count == 2 && row["mean_over_the_run"]?.number ?? 0 > 5, "\(row)")
                let (size, lag) = (try #require(row["effective_sample_size"]?.number), row["lag"]?.integer)
                #expect(lag == 0 ? size > 0.999999 : size < 0.999999, "\(row)")
                #expect(lag != 0 || row["of_lag_0"]?.number == 1)
                if let cut = row["cut_share"]?.number { #expect(lag != 0 || cut == 0, "\(row)") }
            }
            let svg = String(decoding: try Files.read("\(folder)/lag.svg"), as: UTF8.self)
            for text in [">none<", ">clip<", ">vtrace<", "lag of the data (updates)", "CartPole-v1"] { #expect(svg.contains(text), "\(text)") }
            #expect(cells(folder) == 12)

            // What is known is not run again, whatever the order; more seeds are more cells.
            #expect(try Program.apus(arguments + ["--seeds", "2"], in: folder).json() == report && cells(folder) == 12)
            let more = try Program.apus(arguments + ["--seeds", "3", "--workers", "1"], in: folder).json()
            #expect(cells(folder) == 18)
            let returns = more["rows"]?.array?.map { $0["returns"]?.array }
            #expect(returns?.allSatisfy { $0?.count == 3 } == true)
            // The numbers depend on nothing else: not on how many run side by side, and not on what was there before.
            let fresh = try Program.apus(arguments + ["--seeds", "3", "--fresh"], in: folder).json()
            #expect(fresh == more && cells(folder) == 36)
            // Another key is another run.
            _ = try Program.apus(arguments + ["--seeds", "1", "--set", "optimizer.learning_rate=0.001"], in: folder)
            #expect(cells(folder) == 42)
        }
    }

    /// Accuracies of a token policy, with data that is exactly as old as is asked for.
    @Test func tokenPoliciesAtEveryLag() throws {
        try inScratch { folder in
            let settings = [
                "environment.options.digits=1", "tokens.groups=8", "actors.slots=64", "learner.rollouts_per_update=1", "tokens.width=16",
                "tokens.layers=1", "warmup.updates=50", "warmup.batch=32", "optimizer.learning_rate=0.002",
                "stop.evaluation_episodes=16", "method.options.minibatches=2",
            ]
            let result = try Program.apus(
                ["lag-sweep", "addition", "--frames", "8000", "--lags", "0,3", "--corrections", "clip,decoupled,tis", "--seeds", "2", "-o", "lag.svg", "--json"]
                    + settings.flatMap { ["--set", $0] }, in: folder)
            #expect(result.code == 0, "\(result.error)")
            let report = try result.json()
            #expect(report["measure"]?.string == "accuracy" && report["failed"]?.integer == 0)
            let corrections = try #require(report["corrections"]?.array)
            #expect(corrections.map { $0["method"]?.string } == ["grpo", "decoupled-ppo-tokens", "tis-tokens"])
            #expect(corrections.allSatisfy { $0["options"]?["minibatches"]?.number == 2 && $0["options"]?["responses"]?.number == 8 })
            let rows = try #require(report["rows"]?.array)
            #expect(rows.map { $0["lag"]?.integer } == [0, 3, 0, 3, 0, 3])
            for row in rows {
                #expect(row["returns"]?.array?.count == 2 && row["returns"]?.array?.allSatisfy { (0...1).contains($0.number ?? -1) } == true, "\(row)")
                let size = row["effective_sample_size"]?.number
                #expect((row["correction"]?.string == "clip") == (size == nil))
                if let size { #expect(row["lag"]?.integer == 0 ? size > 0.9999 : size < 0.9999, "\(row)") }
                #expect(row["lag"]?.integer == 3 || row["cut_share"]?.number != nil)
            }
            let svg = String(decoding: try Files.read("\(folder)/lag.svg"), as: UTF8.self)
            for text in ["accuracy after 8000 tokens, mean of 2 seeds", ">decoupled<"] { #expect(svg.contains(text), "\(text)") }
            let text = try Program.apus(["lag-sweep", "--list"], in: folder).output
            #expect(text.contains("For token policies:") && text.contains("decoupled-ppo-tokens"))
        }
    }

    @Test func optionsAreSharedAndChosen() throws {
        let catalogue = MethodCatalogue.standard
        #expect(LagCorrection.known().starts(with: ["none", "clip", "vtrace"]) && LagCorrection.known().contains("ppo"))
        // Without the method that it needs, a correction is refused with its reason.
        let small = MethodCatalogue(catalogue.methods.filter { $0.id == "a2c" })
        let error = #expect(throws: UnknownCorrection.self) { try LagCorrection("clip", in: small) }
        #expect(error?.missing == "ppo" && error?.known == ["none"])
        #expect(error?.problem.contains("needs the method ppo, which is not in the catalogue") == true)
        // Every one of the table that can be asked for can be made.
        for name in LagCorrection.known() {
            let correction = try LagCorrection(name)
            #expect(throws: Never.self) { try correction.applied(to: .init(), chosen: []) }
        }
        for correction in LagCorrection.named + LagCorrection.namedForTokens { #expect(!correction.meaning.isEmpty) }
        let tokens = try RunSpec.load("addition")
        for name in LagCorrection.known(tokens: true) {
            #expect(throws: Never.self) { try LagCorrection(name, tokens: true).applied(to: tokens, chosen: []) }
        }
        #expect(Set(LagCorrection.known(tokens: true)).isDisjoint(with: ["vtrace", "a2c"]) && !LagCorrection.known().contains("grpo"))
        try inScratch { folder in
            let result = try Program.apus(
                Self.short + [
                    "--frames", "500", "--lags", "0", "--seeds", "1", "--corrections", "none,clip,ppo", "--json", "--set",
                    "method.options.epochs=2", "--set", "method.options.lambda=0.5",
                ], in: folder)
            let options = try #require(result.json()["corrections"]?.array).map { $0["options"]! }
            #expect(options.allSatisfy { $0["lambda"]?.number == 0.5 && $0["discount"]?.number == 0.98 && $0["value"]?.number == 0.05 })
            #expect(options.map { $0["epochs"]?.number } == [nil, 2, 2] && options[1]["minibatches"]?.number == 1)
            #expect(options.map { $0["behaviour_anchor"]?.number } == [nil, 1, nil])
            #expect(options.allSatisfy { $0["normalize_advantages"]?.number == 0 })
        }
    }

    @Test func aKilledSweepGoesOnWhereItStopped() throws {
        try inScratch { folder in
            let arguments =
                Self.short + ["--frames", "60000", "--lags", "0,4", "--corrections", "none,vtrace", "--seeds", "2", "--workers", "2", "--json"]
            let first = try Program("apus", arguments, in: folder)
            wait { cells(folder) >= 2 }
            kill(first.pid, SIGKILL)
            #expect(try first.result().code == 128 + SIGKILL)
            wait { children(of: first.pid).isEmpty }
            #expect(children(of: first.pid).isEmpty, "no cell outlives the sweep")
            let before = cells(folder)
            #expect(before >= 2)
            let resumed = try Program.apus(arguments, in: folder).json()
            #expect(cells(folder) == 8)
            try inScratch { other in
                let unbroken = try Program.apus(arguments, in: other).json()
                #expect(unbroken == resumed)
            }
        }
    }

    @Test func interruptionLeavesNothingBehind() throws {
        try inScratch { folder in
            let sweep = try Program("apus", Self.short + ["--frames", "1000000000", "--lags", "0", "--corrections", "none"], in: folder)
            wait { !children(of: sweep.pid).isEmpty }
            kill(sweep.pid, SIGINT)
            let result = try sweep.result()
            #expect(result.code == 130 && result.error.contains("0 of 5 cells are done"), "\(result.error)")
            #expect(children(of: sweep.pid).isEmpty)
        }
    }

    /// A cell that is killed; and cells that diverge.
    @Test func failedCellsStandInTheTable() throws {
        try inScratch { folder in
            let arguments = Self.short + ["--lags", "0", "--corrections", "none", "--seeds", "2", "--workers", "1"]
            let sweep = try Program("apus", arguments + ["--frames", "300000"], in: folder)
            wait { !children(of: sweep.pid).isEmpty }
            for child in children(of: sweep.pid) { kill(child, SIGKILL) }
            let killed = try sweep.result()
            #expect(killed.code == 1 && killed.output.contains("1 of 2"), "\(killed.output)")
            #expect(killed.output.contains("failed: none, lag 0, seed 1: the process was killed by signal 9"), "\(killed.output)")

            let diverged = try Program.apus(
                arguments + ["--frames", "2000", "--set", "optimizer.learning_rate=1e38", "--json", "-o", "none.svg"], in: folder)
            let row = try #require(diverged.json()["rows"]?.array?.first)
            #expect(diverged.code == 1 && row["mean"] == .null && row["failures"]?.array?.count == 2)
            #expect(row["failures"]?.array?.first?.string?.contains("not finite") == true, "\(row)")
            #expect(cells(folder) == 1 && !Files.exists("\(folder)/none.svg"))
        }
    }

    // MARK: Processes

    private func wait(_ condition: () -> Bool) {
        let deadline = Time.now + 30
        while !condition(), Time.now < deadline { usleep(2000) }
    }

    /// The cells that a process has started and that still run.
    private func children(of pid: Int32) -> [Int32] {
        let ending = Array("--parent\0\(pid)\0".utf8)
        return ((try? Files.list("/proc")) ?? []).compactMap { Int32($0) }.filter { process in
            (try? Files.read("/proc/\(process)/cmdline"))?.suffix(ending.count).elementsEqual(ending) == true
        }
    }
}
