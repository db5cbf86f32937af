import ArgumentParser
import Glibc
import Platform
import Runs
import Wire

struct BenchScale: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale", abstract: "What a rollout costs the learner and the coordinator with many actors.",
        discussion: """
            Light simulated actors (real sockets over tcp, real messages, no environment) against one learner and one coordinator. They share this machine's
            cores with what is measured: the cost is processor time of the learner per rollout, not the rate.
            """)

    @Option(help: "Numbers of actors, one after the other.", transform: Self.numbers)
    var actors = [1, 10, 100, 1000]

    @Option(help: "Seconds that are measured with each.")
    var seconds = 5.0

    @Option(name: .customLong("set"), help: ArgumentHelp("Change a key of the run file.", valueName: "key=value"))
    var overrides: [String] = []

    @OptionGroup var report: ReportOptions

    private static func numbers(_ text: String) throws -> [Int] {
        try text.split(separator: ",").map {
            guard let number = Int($0), 1...4000 ~= number else { throw ValidationError("--actors: \($0) is no number from 1 to 4000.") }
            return number
        }
    }

    func run() throws {
        let settings = [
            "actors.count=0", "actors.slots=8", "actors.unroll=16", "actors.credits=\(max(2, 8 / (actors.min() ?? 1)))", "learner.rollouts_per_update=8", "learner.mismatch_share=0",
            "stop.return=null", "stop.frames=1000000000000", "stop.evaluation_episodes=0", "learner.checkpoint_seconds=1000",
            "optimizer.learning_rate=1e-6", "optimizer.schedule=constant",
        ]
        let spec = try RunSpec.load("cartpole", overrides: settings + overrides)
        let folder = try RuntimeDirectory.create()
        defer { try? Files.remove(folder) }
        var results: [ScaleResult] = []
        for number in actors {
            let result = try ScaleRun(spec, folder: folder, actors: number).measure(seconds: seconds)
            results.append(result)
            if !report.json { Console.output(result.line) }
        }
        report.print(Self.summary(results), json: .object([.init("results", .array(results.map(\.json)))]))
    }

    private static func summary(_ results: [ScaleResult]) -> String {
        guard let few = results.first(where: { $0.actors >= 10 }), let many = results.last, many.actors > few.actors else { return "" }
        let ratio = many.learnerMicroseconds / few.learnerMicroseconds
        return "a rollout costs the learner \(Format.decimal(ratio, 2)) times as much with \(many.actors) actors as with \(few.actors)"
    }
}

/// What was measured with one number of actors.
struct ScaleResult {
    var actors: Int
    var rolloutsPerSecond: Double
    /// Processor time of all of the learner's threads for one rollout.
    var learnerMicroseconds: Double
    /// Share of one core.
    var coordinatorShare: Double
    var learnerMegabytes: Double
    var coordinatorMegabytes: Double
    var weightsBytesPerRollout: Double
    var joinSeconds: Double
    var acknowledgedMedian: Double
    var acknowledged99: Double
    /// From the first actor that has a version to the last, where everybody got it; nil where nobody did.
    var fanOutMilliseconds: Double?

    var line: String {
        """
        \(actors) actors: \(Format.count(rolloutsPerSecond)) rollouts/s, learner \(Format.decimal(learnerMicroseconds, 1)) µs a rollout and \
        \(Format.decimal(learnerMegabytes, 0)) MB, coordinator \(Format.decimal(coordinatorShare * 100, 1)) % of a core and \
        \(Format.decimal(coordinatorMegabytes, 0)) MB, weights \(Format.count(weightsBytesPerRollout)) B a rollout\
        \(fanOutMilliseconds.map { ", to all within \(Format.decimal($0, 1)) ms" } ?? ""), acknowledged after \
        \(Format.decimal(acknowledgedMedian * 1000, 1)) ms (99 %: \(Format.decimal(acknowledged99 * 1000, 1)) ms), \
        all joined after \(Format.decimal(joinSeconds, 1)) s
        """
    }

    var json: JSON {
        .object([
            .init("actors", .integer(actors)), .init("rollouts_per_second", .number(rolloutsPerSecond)),
            .init("learner_microseconds_per_rollout", .number(learnerMicroseconds)), .init("coordinator_core_share", .number(coordinatorShare)),
            .init("learner_megabytes", .number(learnerMegabytes)), .init("coordinator_megabytes", .number(coordinatorMegabytes)),
            .init("weights_bytes_per_rollout", .number(weightsBytesPerRollout)), .init("join_seconds", .number(joinSeconds)),
            .init("acknowledged_p50_seconds", .number(acknowledgedMedian)), .init("acknowledged_p99_seconds", .number(acknowledged99)),
            .init("fan_out_milliseconds", fanOutMilliseconds.map(JSON.number) ?? .null),
        ])
    }
}
