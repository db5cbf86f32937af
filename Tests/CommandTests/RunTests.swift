import Glibc
import Platform
import Runs
import Testing

/// The commands that look at a run, on runs of a few thousand frames.
@Suite struct RunTests {
    /// Trains for a moment: too short to be solved, long enough for records, checkpoints and a ledger.
    private func train(_ name: String, in folder: String, _ more: [String] = []) throws -> Program.Result {
        let result = try Program.apus(
            [
                "train", "cartpole", "--json", "--name", name, "--set", "stop.return=null", "--set", "stop.frames=20000", "--set",
                "metrics.every_seconds=0.01",
            ] + more, in: folder)
        try #require(result.code == 0, "\(result.error)")
        return result
    }

    @Test func evaluateAndPlotAndLedger() throws {
        try inScratch { folder in
            let trained = try train("one", in: folder).json()
            #expect(trained["run_dir"]?.string == "runs/one" && trained["solved"]?.bool == false)
            #expect((trained["frames"]?.integer ?? 0) >= 20000 && (trained["seconds"]?.number ?? 0) > 0)
            _ = try train("two", in: folder, ["--seed", "2"])

            func evaluate(_ more: [String]) throws -> JSON {
                try Program.apus(["evaluate", "runs/one", "--json"] + more, in: folder).json()
            }
            let result = try evaluate([])
            #expect(result["run_dir"]?.string == "runs/one" && result["episodes"]?.integer == 100)
            #expect(result["version"]?.integer == trained["version"]?.integer)
            let mean = try #require(result["mean_return"]?.number)
            #expect(mean >= result["minimum"]?.number ?? .infinity && mean <= result["maximum"]?.number ?? 0)
            #expect(mean == result["mean_length"]?.number, "one reward a step")
            #expect(try evaluate([]) == result, "the same checkpoint, seed and episodes")
            #expect(try evaluate(["--checkpoint", "best"])["version"]?.integer == result["version"]?.integer)
            #expect(try evaluate(["--checkpoint", "\(result["version"]!.integer!)", "--episodes", "3"])["episodes"]?.integer == 3)
            #expect(try evaluate(["--sampled"])["mean_return"] != evaluate(["--sampled", "--seed", "9"])["mean_return"])

            let plotted = try Program.apus(
                ["plot", "runs/one", "runs/two/", "-o", "curves.svg", "--x", "seconds", "--y", "loss", "--smoothing", "3", "--json"],
                in: folder)
            #expect(try plotted.json()["runs"]?.array?.map { $0["name"]?.string } == ["one", "two"])
            let svg = String(decoding: try Files.read("\(folder)/curves.svg"), as: UTF8.self)
            for text in ["<svg", ">one<", ">two<", "training time (s)", ">loss<"] { #expect(svg.contains(text), "\(text)") }
            let unknown = try Program.apus(["plot", "runs/one", "-o", "x.svg", "--y", "training_retrun"], in: folder)
            #expect(unknown.code == 1 && unknown.error.contains("Did you mean training_return?") && !Files.exists("\(folder)/x.svg"))

            let check = try Program.apus(["ledger", "check", "runs/one", "--json"], in: folder)
            #expect(try check.code == 0 && check.json()["sound"]?.bool == true)

            let ended = try Program.apus(["status", "runs/one"], in: folder)
            #expect(ended.code == 1 && ended.error.contains("apus train runs/one --resume"))
        }
    }

    @Test func damageIsNamed() throws {
        try inScratch { folder in
            let version = try #require(train("one", in: folder).json()["version"]?.integer)
            func evaluate(_ more: [String] = []) throws -> Program.Result { try Program.apus(["evaluate", "runs/one"] + more, in: folder) }
            let missing = try evaluate(["--checkpoint", "3"])
            #expect(missing.code == 1 && missing.error.contains("no checkpoint of version 3") && missing.error.contains("\(version)"))

            // One bit of the weights, then half of them.
            let weights = "\(folder)/runs/one/checkpoints/latest/weights.safetensors"
            var bytes = try Files.read(weights)
            bytes[bytes.count / 2] ^= 1
            try Files.write(bytes, to: weights)
            let flipped = try evaluate()
            #expect(flipped.code == 1 && flipped.output.isEmpty)
            #expect(flipped.error.contains("weights.safetensors") && flipped.error.contains("CRC-32C"), "\(flipped.error)")
            try Files.write(Array(bytes.prefix(bytes.count / 2)), to: weights)
            #expect(try evaluate().error.contains("the checkpoint is damaged"))

            // Whole files of another network.
            try Files.write(
                Array("network: {hidden: [8]}\n".utf8), to: "\(folder)/runs/one/run.yaml")
            bytes[bytes.count / 2] ^= 1
            try Files.write(bytes, to: weights)
            let other = try evaluate()
            #expect(other.code == 1 && other.error.contains("environment and network must be the same"), "\(other.error)")

            try Files.write(Array("{\"time\": 1}\n".utf8), to: "\(folder)/runs/one/metrics.jsonl")
            let plot = try Program.apus(["plot", "runs/one", "-o", "x.svg"], in: folder)
            #expect(plot.code == 1 && plot.error.contains("line 1 is no record"))
        }
    }

    @Test func anEmptyRun() throws {
        try inScratch { folder in
            let run = try RunDirectory.create(runs: "\(folder)/runs", name: "empty", spec: RunSpec())
            let evaluate = try Program.apus(["evaluate", run.path], in: folder)
            #expect(evaluate.code == 1 && evaluate.error.contains("no checkpoint"))
            let best = try Program.apus(["evaluate", run.path, "--checkpoint", "best"], in: folder)
            #expect(best.code == 1 && best.error.contains("no checkpoint"))
            let plot = try Program.apus(["plot", run.path, "-o", "x.svg"], in: folder)
            #expect(
                plot.code == 1 && plot.error.contains("no finite value") && plot.error.contains("empty") && !Files.exists("\(folder)/x.svg")
            )
            try Files.write([], to: run.metrics)
            #expect(try Program.apus(["plot", run.path, "-o", "x.svg"], in: folder).code == 1)
        }
    }

    /// A coordinator by hand, over tcp.
    @Test func statusOfALedRun() throws {
        try inScratch { folder in
            let coordinator = try Program(
                "apus-coordinator", ["--run", "cartpole", "--name", "led", "--bind", "tcp://127.0.0.1:*"], in: folder)
            defer { kill(coordinator.pid, SIGKILL) }
            let file = "\(folder)/runs/led/coordinator"
            let deadline = Time.now + 10
            while !Files.exists(file), Time.now < deadline { usleep(5000) }
            let address = String(decoding: try Files.read(file), as: UTF8.self).filter { $0 != "\n" }

            let status = try Program.apus(["status", "runs/led", "--json"], in: folder).json()
            #expect(status["run_name"]?.string == "led" && status["members"]?.array?.isEmpty == true && status["ledger"] == .null)
            #expect(status["coordinator"]?.string == address && status["last_record"] == .null)
            #expect(try Program.apus(["status", "--coordinator", address], in: folder).output.contains("Nobody takes part now."))
            #expect(try Program.apus(["status"], in: folder).output.contains("led: led at \(address)"), "the only run that is led")

            let actor = try Program("apus-actor", ["--coordinator", address], in: folder)
            defer { kill(actor.pid, SIGKILL) }
            var text = ""
            while !text.contains("learner ("), Time.now < deadline {
                usleep(50_000)
                text = try Program.apus(["status", "runs/led"], in: folder).output
            }
            #expect(
                text.contains("\(actor.pid)") && text.contains("stream from learner"), "whom an actor without a learner waits for: \(text)")

            kill(coordinator.pid, SIGTERM)
            #expect(try coordinator.result().code == 0)
            #expect(try actor.result().code == 0)
            #expect(!Files.exists(file))
            let gone = try Program.apus(["status", "--coordinator", address], in: folder)
            #expect(gone.code == 1 && gone.error.contains("did not answer within 2.0 s"), "\(gone.error)")
        }
    }
}
