import ArgumentParser
import Glibc
import Platform
import Runs
import Wire

struct BenchCartPole: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cartpole",
        abstract: "Environment frames trained on per second, end to end: coordinator, learner and one actor as processes over unix sockets.",
        discussion: """
            V-trace on CartPole-v1 with an MLP of two layers of 64, for a fixed time; the first second does not count. Frames are those that entered a
            gradient. Larger batches than the cartpole preset: it measures the data path, not the fastest way to a solution.
            """)

    @Option(help: "Seconds that a run lasts.")
    var seconds = 8.0

    @Option(help: "Runs, one after the other.")
    var repetitions = 3

    @Option(help: "What the three talk over: unix sockets, loopback, or loopback with keys. Several, separated by commas, are measured by turns.")
    var transport = "unix"

    @Option(name: .customLong("set"), help: ArgumentHelp("Change a key of the run file.", valueName: "key=value"))
    var overrides: [String] = []

    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard seconds >= 2, repetitions >= 1 else { throw ValidationError("--seconds must be at least 2, --repetitions at least 1.") }
        for name in transports where !["unix", "tcp", "curve"].contains(name) {
            throw ValidationError("--transport is \(name), allowed are unix, tcp and curve.")
        }
    }

    private var transports: [String] { transport.split(separator: ",").map(String.init) }

    func run() throws {
        let signals = Signals.take()
        let settings = [
            "actors.slots=128", "actors.unroll=32", "actors.credits=null", "learner.rollouts_per_update=1", "stop.return=null",
            "stop.frames=1000000000000", "stop.seconds=\(seconds)", "stop.evaluation_episodes=1", "metrics.every_seconds=0.5",
            "optimizer.learning_rate=0.0005", "optimizer.schedule=constant",
        ]
        let spec = try RunSpec.load("cartpole", overrides: settings + overrides)
        let folder = try RuntimeDirectory.create()
        defer { try? Files.remove(folder) }
        let keys = KeyFolder(path: "\(folder)/keys")
        try keys.create(name: "bench")
        var runs = [[BenchRun]](repeating: [], count: transports.count)
        measuring: for repetition in 0..<repetitions {
            for (index, name) in transports.enumerated() {
                let transport: LocalRun.Transport = name == "curve" ? .curve(keys) : name == "tcp" ? .tcp : .unix
                let run = try BenchRun(spec, runs: folder, name: "bench-\(repetition)-\(index)", transport: transport, signals: signals)
                runs[index].append(run)
                if !report.json { Console.output("run \(repetition + 1) of \(repetitions), \(name): \(run.line)") }
                if run.interrupted { break measuring }
            }
        }
        for (index, name) in transports.enumerated() {
            let first = index > 0 ? Sample(values: runs[0].map(\.framesPerSecond)).median : nil
            report.print(summary(name, runs[index], comparedWith: first), json: json(name, runs[index], spec))
        }
    }

    private func summary(_ name: String, _ runs: [BenchRun], comparedWith first: Double?) -> String {
        let rate = Sample(values: runs.map(\.framesPerSecond))
        let share = first.map { ", \(Format.decimal(rate.median / $0 * 100, 1)) % of \(transports[0])" } ?? ""
        return """
            \(name): frames per second: median \(Format.count(rate.median)), lowest \(Format.count(rate.lowest)), highest \(Format.count(rate.highest))\(share)
            \(explanation(runs))
            """
    }

    /// Who waits for whom.
    private func explanation(_ runs: [BenchRun]) -> String {
        let learner = Sample(values: runs.map(\.learnerIdle)).median
        let actor = Sample(values: runs.map(\.actorIdle)).median
        let who = learner < actor ? "the actor waits for credit from the learner, which is the bottleneck" : "the learner waits for the actor's rollouts"
        return "learner idle \(Format.decimal(learner * 100, 0)) %, actor idle \(Format.decimal(actor * 100, 0)) %: \(who)"
    }

    private func json(_ name: String, _ runs: [BenchRun], _ spec: RunSpec) -> String {
        func median(_ value: (BenchRun) -> Double) -> JSON { .number(Sample(values: runs.map(value)).median) }
        let rate = Sample(values: runs.map(\.framesPerSecond))
        let object = JSON.object([
            JSON.Member("transport", .string(name)), JSON.Member("frames_per_second", .number(rate.median)), JSON.Member("frames_per_second_lowest", .number(rate.lowest)),
            JSON.Member("frames_per_second_highest", .number(rate.highest)), JSON.Member("repetitions", .integer(runs.count)),
            JSON.Member("policy_lag_mean", median(\.policyLag)), JSON.Member("learner_idle_share", median(\.learnerIdle)),
            JSON.Member("actor_idle_share", median(\.actorIdle)), JSON.Member("memory_megabytes", median(\.megabytes)),
            JSON.Member("frames_per_update", .integer(spec.actors.slots * spec.actors.unroll * spec.learner.rolloutsPerUpdate)),
            JSON.Member("actors", .integer(spec.actors.count)),
        ])
        return String(decoding: object.serialized(), as: UTF8.self)
    }
}

/// One measured run.
private struct BenchRun {
    var framesPerSecond = Double.nan
    var policyLag = Double.nan
    var learnerIdle = Double.nan
    var actorIdle = Double.nan
    /// Resident memory of the three roles together, shared pages divided among those who share them.
    var megabytes = Double.nan
    var interrupted = false

    var line: String {
        """
        \(Format.count(framesPerSecond)) frames/s, policy lag \(Format.decimal(policyLag, 2)), learner idle \(Format.decimal(learnerIdle * 100, 0)) %, \
        actor idle \(Format.decimal(actorIdle * 100, 0)) %, memory \(Format.decimal(megabytes, 0)) MB
        """
    }

    init(_ spec: RunSpec, runs: String, name: String, transport: LocalRun.Transport, signals: Signals) throws {
        let directory = try RunDirectory.create(runs: runs, name: name, spec: spec)
        let run = try LocalRun(directory, actors: spec.actors.count, transport: transport, signals: signals)
        var actorBusy: [Double] = []
        var lastMemory = Time.zero
        var memory = 0.0
        interrupted = try run.run { event in
            guard case .status(let status) = event else { return }
            actorBusy += status.members.filter { $0.role == .actor }.compactMap { $0["busy_share"] }
            guard Time.now - lastMemory > 1 else { return }
            lastMemory = .now
            memory = max(memory, run.processes.values.reduce(0) { $0 + proportionalMegabytes($1) })
        }
        megabytes = memory
        actorIdle = 1 - Sample(values: actorBusy).median
        let records = try MetricsTable(directory.metrics).records
        // The last record spans the end, when nothing is trained on any more.
        guard let begin = records.first(where: { ($0.value("seconds") ?? 0) > 1 }), let end = records.dropLast().last, end.time > begin.time else {
            return
        }
        framesPerSecond = Double(end.frames - begin.frames) / (end.time - begin.time)
        let measured = records.filter { $0.time > begin.time && $0.time <= end.time }
        func mean(_ name: String) -> Double { measured.compactMap { $0.value(name) }.reduce(0, +) / Double(max(measured.count, 1)) }
        policyLag = mean("policy_lag_mean")
        learnerIdle = 1 - mean("learner_busy_share")
    }
}

/// The proportional set size of a process in megabytes; 0 when it is gone.
func proportionalMegabytes(_ pid: Int32) -> Double {
    guard let text = try? Files.read("/proc/\(pid)/smaps_rollup") else { return 0 }
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n") where line.hasPrefix("Pss:") {
        return (line.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
    }
    return 0
}
