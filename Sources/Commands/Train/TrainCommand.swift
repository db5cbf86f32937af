import ArgumentParser
import Coordinating
import Environments
import Glibc
import Learning
import Methods
import Platform
import Runs
import Workers
import Wire

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Trains on this machine: coordinator, learner and actors as processes of their own.",
        discussion: """
            RUN is a preset (\(RunSpec.presets.joined(separator: ", "))), a run file (YAML), or with --resume the directory of a run.
            Ctrl-C writes a checkpoint and ends the run; twice stops at once.
            Exit codes: 0 done or interrupted in order, 1 failed, 2 the frames or seconds ran out before the target return was reached.
            """)

    @Argument(help: ArgumentHelp("A preset, a run file, or the directory of a run.", valueName: "run"))
    var source: String

    @Option(help: "Actor processes, instead of the run file's actors.count.")
    var actors: Int?

    @Option(help: "The seed, instead of the run file's.")
    var seed: UInt64?

    @Option(name: .customLong("set"), help: ArgumentHelp("Change a key of the run file, for example actors.slots=64.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(help: "The name of the run: its directory is RUNS/NAME.")
    var name: String?

    @Option(help: "The folder that holds the run directories.")
    var runs = "runs"

    @Option(help: ArgumentHelp("Serve /metrics for Prometheus, /status, /healthz and /readyz there, for example 127.0.0.1:7780.", valueName: "host:port"))
    var http: String?

    @Flag(help: "Let other hosts read what --http serves: no secrets, but who takes part and what comes out.")
    var httpOpen = false

    @Flag(help: "Go on with a run from its latest checkpoint; what --set says from now on rules.")
    var resume = false

    @Flag(help: "Act and train in turns in this process: two runs with one seed are equal bit for bit.")
    var lockstep = false

    @Option(help: "With --lockstep: every rollout is acted by the policy of so many updates before.")
    var lag = 0

    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard (0...10_000).contains(lag) else { throw ValidationError("--lag is \(lag), allowed are 0 to 10000 updates") }
        guard http == nil || !lockstep else { throw ValidationError("--http needs a coordinator; with --lockstep there is none") }
        try http.map { try HttpAddress($0) }?.check(open: httpOpen)
        guard lag == 0 || lockstep else { throw ValidationError("--lag needs --lockstep: otherwise the machine decides how old data is") }
    }

    func run() throws {
        let start = Time.processStart
        let signals = Signals.take()
        let (directory, spec) = try prepare()
        if !report.json { Console.output("\(spec.environment.id) with \(spec.method.id), seed \(spec.seed): \(directory.path)") }

        var view = ProgressView(totalFrames: spec.stop.frames, target: spec.stop.return, start: start, terminal: Console.isTerminal)
        let interrupted: Bool
        if lockstep {
            var run = try LockstepRun(spec, directory: directory, signals: signals, lag: lag == 0 ? .none : .fixed(lag)) { record in
                if !report.json { view.show(record) }
            }
            interrupted = try run.run { record in
                if !report.json { view.show(record) }
            }
        } else {
            let run = try LocalRun(directory, actors: spec.actors.count, http: http.map { LocalRun.Http(address: $0, isOpen: httpOpen) }, signals: signals)
            interrupted = try run.run { event in
                switch event {
                case .status(let status):
                    guard let record = status.lastRecord else { return }
                    if !report.json { view.show(record) }
                case .restarted(let name, let pid, _, let why):
                    if !report.json { view.note("\(name) \(why); started again as process \(pid)") }
                case .stopping(let what):
                    if !report.json { view.note(what) }
                case .over: break
                }
            }
        }
        view.close()
        let result = try RunResult.read(from: directory)
        let seconds = Time.now - start
        let object = try json(result, seconds, directory)
        report.print(summary(result, seconds, directory), json: object)
        if let result, !result.solved, spec.stop.return != nil, !interrupted { throw ExitCode(2) }
    }

    /// The run's directory and its resolved description.
    private func prepare() throws -> (RunDirectory, RunSpec) {
        let changes = overrides + (seed.map { ["seed=\($0)"] } ?? []) + (actors.map { ["actors.count=\($0)"] } ?? [])
        let directory: RunDirectory
        let spec: RunSpec
        let isDirectory = Files.isDirectory(source) && !RunSpec.presets.contains(source)
        let existing = isDirectory ? source : name.map { "\(runs)/\($0)" }
        if resume {
            guard let existing else { throw ValidationError("--resume needs the directory of a run, or --name.") }
            directory = try RunDirectory.open(existing)
            spec = try directory.loadSpec(overrides: changes)
            try spec.checkNames()
            try spec.checkFit()
            try directory.rewrite(spec)
            try RunResult.clear(in: directory)
        } else {
            if isDirectory { throw ValidationError("\(source) is the directory of a run: give --resume to go on with it.") }
            spec = try RunSpec.load(source, overrides: changes)
            try spec.checkNames()
            try spec.checkFit()
            directory = try RunDirectory.create(runs: runs, name: name, spec: spec)
        }
        return (directory, spec)
    }

    private func summary(_ result: RunResult?, _ seconds: Double, _ directory: RunDirectory) -> String {
        guard let result else { return "interrupted after \(Format.seconds(seconds)); the run lies in \(directory.path)" }
        let (training, evaluation) = (Format.meanReturn(result.trainingReturn), Format.meanReturn(result.evaluationReturn))
        return """
            \(result.reason) in \(Format.decimal(seconds, 2)) s: \(Format.count(Double(result.frames))) frames, training return \(training), \
            evaluation return \(evaluation)
            the run lies in \(directory.path)
            """
    }

    private func json(_ result: RunResult?, _ seconds: Double, _ directory: RunDirectory) throws -> String {
        let lag = try Files.exists(directory.metrics) ? MetricsTable(directory.metrics).meanPolicyLag : nil
        let result = result ?? RunResult(solved: false, reason: "interrupted", version: 0, frames: 0, trainingReturn: nil, evaluationReturn: nil)
        let members =
            result.members + [
                JSON.Member("seconds", .number(seconds)), JSON.Member("run_dir", .string(directory.path)),
                JSON.Member("policy_lag_mean", lag.map(JSON.number) ?? .null),
                JSON.Member("frames_per_second", .number(Double(result.frames) / seconds)),
            ]
        return String(decoding: JSON.object(members).serialized(), as: UTF8.self)
    }
}

extension MetricsTable {
    /// The mean policy lag, each record weighed by the frames since the one before; nil when nothing was trained.
    fileprivate var meanPolicyLag: Double? {
        var (sum, frames, seen) = (0.0, UInt64(0), UInt64(0))
        for record in records {
            // After a resume from an older checkpoint, frames go back.
            seen = min(seen, record.frames)
            guard let lag = record.value("policy_lag_mean"), record.frames > seen else { continue }
            sum += lag * Double(record.frames - seen)
            frames += record.frames - seen
            seen = record.frames
        }
        return frames > 0 ? sum / Double(frames) : nil
    }
}
