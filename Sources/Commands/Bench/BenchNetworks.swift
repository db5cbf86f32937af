import ArgumentParser
import Glibc
import Networks
import Platform
import Tensors

struct BenchNetworks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "networks",
        abstract: "Time of a forward pass, and of forward, backward and an Adam update, for the networks of the presets.",
        discussion: """
            GFLOP/s counts the matrix products alone; the peak is that of a product of two matrices of 512×512. Benchmarks/networks.sh
            measures PyTorch in turns with it.
            """)

    @Option(help: "Threads of a product or a convolution.")
    var threads = 1

    @Flag(help: "Measure the processor time of one thread, which other programs on the machine disturb less.")
    var cpuTime = false

    @Option(help: "Measurements of each pass.")
    var repetitions = 15

    @Option(name: .customLong("case"), help: ArgumentHelp("Only networks whose name begins so.", valueName: "name"))
    var prefix = ""

    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard (1...64).contains(threads), repetitions >= 1 else {
            throw ValidationError("--threads must be 1 to 64, --repetitions at least 1.")
        }
        guard !cpuTime || threads == 1 else { throw ValidationError("--cpu-time is the time of one thread: leave --threads out.") }
    }

    func run() throws {
        setBLASThreads(threads)
        let networks = BenchNetwork.all.filter { $0.name.hasPrefix(prefix) }
        guard !networks.isEmpty else {
            let names = Set(BenchNetwork.all.map(\.name)).sorted().joined(separator: ", ")
            throw ValidationError("no network's name begins with “\(prefix)”; there are \(names).")
        }
        let (a, b) = (randomTensor([512, 512], 1, seed: 1), randomTensor([512, 512], 1, seed: 2))
        let peak = 2 * 512 * 512 * 512 / measure { _ = matmul(a, b) }.lowest / 1000
        let rows = networks.flatMap(measurements)
        report.print(table(rows, peak), json: json(rows, peak))
    }

    private struct Row {
        let network: BenchNetwork
        let pass: String
        /// Microseconds.
        let time: Sample
        let operations: Double
        var rate: Double { operations / time.median / 1000 }
    }

    private func measurements(_ network: BenchNetwork) -> [Row] {
        let pass = network.pass()
        let weights = Weights(network.layout)
        let start = randomTensor([weights.flat.count], 0.05, seed: 3)
        weights.flat.withMutableBuffer { to in start.withBuffer { _ = to.update(fromContentsOf: $0) } }
        let constants = weights.parameters()
        let forward = measure { _ = pass(constants) }
        var adam = Adam(count: weights.flat.count)
        let training = measure {
            weights.zeroGradient()
            let tape = Tape()
            let losses = pass(weights.parameters(on: tape)).map { mean(square($0)) }
            tape.backward(losses.dropFirst().reduce(losses[0], +))
            adam.step(weights, learningRate: 1e-4)
        }
        return [
            Row(network: network, pass: "forward", time: forward, operations: network.operations.forward),
            Row(network: network, pass: "training", time: training, operations: network.operations.training),
        ]
    }

    /// Microseconds of one call, from calls that take at least 10 ms together.
    private func measure(_ body: () -> Void) -> Sample {
        func time(_ calls: Int) -> Double {
            let start = microseconds()
            for _ in 0..<calls { body() }
            return (microseconds() - start) / Double(calls)
        }
        _ = time(2)
        let calls = max(1, Int(10_000 / time(2)))
        return Sample(values: (0..<repetitions).map { _ in time(calls) })
    }

    private func microseconds() -> Double {
        var time = timespec()
        clock_gettime(cpuTime ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) * 1e-3
    }

    private func table(_ rows: [Row], _ peak: Double) -> String {
        var table = TextTable([
            ("network", .left), ("batch", .right), ("pass", .left), ("median µs", .right), ("lowest", .right), ("highest", .right),
            ("ns a frame", .right), ("GFLOP/s", .right), ("of peak", .right),
        ])
        for row in rows {
            table.add([
                row.network.name, "\(row.network.batch)", row.pass, Format.decimal(row.time.median, 1), Format.decimal(row.time.lowest, 1),
                Format.decimal(row.time.highest, 1), Format.decimal(row.time.median * 1000 / Double(row.network.batch), 0),
                Format.decimal(row.rate, 1), "\(Format.decimal(row.rate / peak * 100, 0)) %",
            ])
        }
        return "\(table.text)\npeak: sgemm \(Format.decimal(peak, 1)) GFLOP/s, threads: \(threads)"
    }

    private func json(_ rows: [Row], _ peak: Double) -> JSON {
        .object([
            JSON.Member("program", .string("apus")), JSON.Member("threads", .integer(threads)),
            JSON.Member("peak_gflops", .number(peak)),
            JSON.Member(
                "cases",
                .array(
                    rows.map { row in
                        .object([
                            JSON.Member("network", .string(row.network.name)), JSON.Member("batch", .integer(row.network.batch)),
                            JSON.Member("pass", .string(row.pass)), JSON.Member("median_us", .number(row.time.median)),
                            JSON.Member("lowest_us", .number(row.time.lowest)), JSON.Member("highest_us", .number(row.time.highest)),
                            JSON.Member("gflops", .number(row.rate)),
                        ])
                    })),
        ])
    }
}
