import ArgumentParser
import Glibc
import Networks
import Platform
import Tensors

struct BenchTokens: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens",
        abstract: "Tokens per second of a small transformer: generated with a cache, and trained on.",
        discussion: """
            A Llama of 2 layers of width 64 with 4 heads and a vocabulary of 14 (133,184 parameters). generate: 64 responses of 32 tokens to
            prompts of 8 at once; step: forward, backward and Adam on 64 sequences of 64 tokens. Benchmarks/tokens.sh measures PyTorch in turns
            with it.
            """)

    @Option(help: "Threads of a product.")
    var threads = 1

    @Flag(help: "Measure the processor time of one thread, which other programs on the machine disturb less.")
    var cpuTime = false

    @Option(help: "Measurements of each.")
    var repetitions = 15

    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard (1...64).contains(threads), repetitions >= 1 else {
            throw ValidationError("--threads must be 1 to 64, --repetitions at least 1.")
        }
        guard !cpuTime || threads == 1 else { throw ValidationError("--cpu-time is the time of one thread: leave --threads out.") }
    }

    func run() throws {
        setBLASThreads(threads)
        let network = try Transformer(TransformerSettings(vocabulary: 14))
        let weights = network.initialWeights(seed: 1)
        let generated = try generation(network, weights)
        let trained = training(network, weights)
        report.print(
            """
            \(line("generated", generated))
            \(line("trained on", trained))
            """,
            json: .object([
                JSON.Member("program", .string("Apus")), JSON.Member("threads", .integer(threads)),
                JSON.Member("generate", .number(generated.median)), JSON.Member("generate_lowest", .number(generated.lowest)),
                JSON.Member("generate_highest", .number(generated.highest)), JSON.Member("step", .number(trained.median)),
                JSON.Member("step_lowest", .number(trained.lowest)), JSON.Member("step_highest", .number(trained.highest)),
            ]))
    }

    private func line(_ name: String, _ rate: Sample) -> String {
        "tokens per second \(name): median \(Format.count(rate.median)), lowest \(Format.count(rate.lowest)), highest \(Format.count(rate.highest))"
    }

    private func generation(_ network: Transformer, _ weights: Weights) throws -> Sample {
        let generator = try Generator(network, weights, version: 0, GenerationSettings(longestResponse: 32))
        var next: UInt64 = 0
        return try rates(tokens: 64 * 32) {
            for slot in 0..<64 {
                try generator.add(prompt: sequence(8, from: slot), responses: [next])
                next += 1
            }
            _ = generator.finishAll()
        }
    }

    private func training(_ network: Transformer, _ weights: Weights) -> Sample {
        let groups = (0..<64).map { TokenGroup(prompt: sequence(1, from: $0), responses: [sequence(64, from: $0 + 1)]) }
        var adam = Adam(count: network.layout.count)
        let tokens: Float = 64 * 64
        return rates(tokens: Int(tokens)) {
            weights.zeroGradient()
            _ = network.accumulateGradient(TokenBatch.micro(groups, rows: Transformer.microBatchRows), weights) { output, _ in
                sum(output.logProb) * (-1 / tokens)
            }
            adam.step(weights, learningRate: 1e-3)
        }
    }

    private func sequence(_ count: Int, from start: Int) -> [Int32] { (0..<count).map { Int32(2 + ($0 * 7 + start * 5) % 12) } }

    private func rates(tokens: Int, _ body: () throws -> Void) rethrows -> Sample {
        for _ in 0..<2 { try body() }
        return Sample(
            values: try (0..<repetitions).map { _ in
                let start = seconds()
                try body()
                return Double(tokens) / (seconds() - start)
            })
    }

    private func seconds() -> Double {
        var time = timespec()
        clock_gettime(cpuTime ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
