import ArgumentParser
import Glibc
import Platform
import Runs
import Wire

struct ChaosCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos", abstract: "Trains while processes are killed and stopped, networks cut and disks filled, and judges what became of it.",
        discussion: """
            RUN is a preset or a run file. The run is started on this machine as `apus train` does, with a network of its own between its processes,
            and goes through faults drawn from the seed. It is repeated (with other seeds of its own) until all faults have come. At the end the
            ledgers must prove that nothing was trained on twice and nothing has vanished, only killed actors may have lost anything, the
            training return must be that of undisturbed runs, and a native environment's run must be made again from its ledger bit for bit.
            Exit codes: 0 all was survived, 1 not.
            """)

    @Argument(help: ArgumentHelp("A preset or a run file.", valueName: "run"))
    var source: String

    @Option(help: "How many faults; 10 unless --minutes is given.")
    var faults: Int?

    @Option(help: "Inflict faults for so long, instead of a number of them.")
    var minutes: Double?

    @Option(help: "What happens is a function of this number.")
    var seed: UInt64

    @Option(help: "Actor processes.")
    var actors = 2

    @Option(name: .customLong("set"), help: ArgumentHelp("Change a key of the run file, for example actors.slots=64.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(help: "The first part of the names of the runs.")
    var name = "chaos"

    @Option(help: "The folder that holds the run directories.")
    var runs = "runs"

    @Option(parsing: .upToNextOption, help: "Directories of undisturbed runs to compare with; without them, two are made first.")
    var baseline: [String] = []

    @Flag(help: "Only print what would happen, and when.")
    var schedule = false

    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard faults.map({ (1...100_000).contains($0) }) ?? true else { throw ValidationError("--faults is \(faults!), allowed are 1 to 100000.") }
        guard minutes.map({ $0 > 0 && $0 < 100_000 }) ?? true else { throw ValidationError("--minutes is \(minutes!), allowed is more than 0.") }
        guard faults == nil || minutes == nil else { throw ValidationError("Give --faults or --minutes, not both.") }
        guard (1...64).contains(actors) else { throw ValidationError("--actors is \(actors), allowed are 1 to 64.") }
    }

    func run() throws {
        let plan = FaultSchedule(seed: seed, actors: actors)
        let (count, seconds) = minutes.map { (Int.max, $0 * 60) } ?? (faults ?? 10, Double.infinity)
        if schedule { return print(plan, count: count, seconds: seconds) }
        // A process whose files may not grow is told so, and not killed: its children inherit this.
        signal(SIGXFSZ, SIG_IGN)
        let signals = Signals.take()
        let undisturbed = baseline.isEmpty ? try (1...2).map { try undisturbedRun($0, signals) } : try baseline.map(curve)
        let injector = FaultInjector(plan, count: count, seconds: seconds)
        var (proofs, problems, round) = ([RunProof](), [String](), 0)
        while !injector.isOver, problems.isEmpty {
            round += 1
            let (directory, spec) = try make("\(name)-\(round)", seed: seed &+ UInt64(round))
            say("\(directory.path): \(spec.environment.id) with \(spec.method.id), \(actors) actors")
            var run = ChaosRun(directory, actors: actors, injector: injector)
            let start = Time.now
            try run.run(signals: signals) { event in
                switch event {
                case .fault(let fault): say("\(Format.seconds(Time.now - start)): \(fault.description)")
                case .note(let line): say("\(Format.seconds(Time.now - start)): \(line)")
                }
            }
            if run.isInterrupted { throw ExitCode(130) }
            let proof = try RunProof(directory, spec, actors: run.places, killed: injector.killed)
            proofs.append(proof)
            problems += run.problems + proof.problems
            say(proof.text)
        }
        let comparison = try CurveComparison(disturbed: proofs.map { try curve($0.directory.path) }, undisturbed: undisturbed)
        let verdict = ChaosVerdict(seed: seed, inflicted: injector.inflicted, proofs: proofs, comparison: comparison, problems: problems)
        report.print(verdict.text, json: verdict.json)
        if !verdict.isSurvived { throw ExitCode(1) }
    }

    /// The run goes to its last frame, whatever return it reaches: curves are compared over the same frames.
    private func make(_ name: String, seed: UInt64) throws -> (RunDirectory, RunSpec) {
        let changes = ["stop.return=null", "learner.checkpoint_seconds=1", "metrics.every_seconds=0.1"] + overrides + ["seed=\(seed)", "actors.count=\(actors)"]
        let spec = try RunSpec.load(source, overrides: changes)
        try spec.checkNames()
        try spec.checkFit()
        return (try RunDirectory.create(runs: runs, name: name, spec: spec), spec)
    }

    private func undisturbedRun(_ number: Int, _ signals: Signals) throws -> ReturnCurve {
        let (directory, _) = try make("\(name)-undisturbed-\(number)", seed: seed &- UInt64(number))
        say("\(directory.path): undisturbed, to compare with")
        if try LocalRun(directory, actors: actors, signals: signals).run({ _ in }) { throw ExitCode(130) }
        return try curve(directory.path)
    }

    private func curve(_ path: String) throws -> ReturnCurve { try ReturnCurve(MetricsTable(RunDirectory.open(path).metrics).records) }

    private func say(_ line: String) {
        if !report.json { Console.output(line) }
    }

    private func print(_ plan: FaultSchedule, count: Int, seconds: Double) {
        for (number, fault) in plan.enumerated() {
            guard number < count, fault.start <= seconds else { return }
            Console.output("\(Format.decimal(fault.start, 2)) s: \(fault.description)")
        }
    }
}
