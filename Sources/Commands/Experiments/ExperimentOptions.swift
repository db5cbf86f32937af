import ArgumentParser
import Glibc
import Platform
import Wire

/// What every command that runs an experiment takes.
struct ExperimentOptions: ParsableArguments {
    @Option(help: "Runs side by side; by default as many as there are processors.")
    var workers: Int?

    @Flag(help: "Run every cell anew, even those whose results are known.")
    var fresh = false

    @Flag(help: "Keep the directories of the runs, in the folder runs of the results.")
    var keep = false

    func validate() throws {
        if let workers, !(1...1024).contains(workers) { throw ValidationError("--workers is \(workers), allowed are 1 to 1024.") }
    }

    /// What is in both help texts.
    static let discussion = """
        Every cell (one run: arm and seed) is trained in turns, with data of exactly the lag that is asked for, in a process of its own; a \
        cell that fails is told in the table and takes no other with it. All cells are trained for stop.frames, solved or not. Results are \
        kept in DIR/cells.jsonl: after Ctrl-C, the same command goes on where it stopped.
        """

    /// - Parameter folder: where the results of cells are kept.
    func experiment(_ cells: [Cell], in folder: String) throws -> Experiment {
        let signals = Signals.take()
        let record = try CellRecord("\(folder)/cells.jsonl")
        if fresh { record.forget() }
        let kept = keep ? "\(folder)/runs" : nil
        if let kept { try Files.createDirectory(kept) }
        return try Experiment(
            cells, record: record, workers: workers ?? max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1), signals: signals, keep: kept)
    }
}

extension Experiment {
    /// Runs to the end, and shows how far it is.
    ///
    /// - Parameters:
    ///   - silent: shows nothing.
    ///   - note: called after every cell; the lines that it returns stay above the progress.
    /// - Throws: the exit code 130 when a signal ended it.
    func run(silent: Bool, note: () throws -> [String] = { [] }) throws {
        if !silent, progress.done > 0 { Console.output("\(progress.done) of \(progress.total) cells are known from before") }
        var view = ExperimentView(progress, terminal: Console.isTerminal)
        let finished = try run {
            let lines = try note()
            if !silent { view.show(progress, lines) }
        }
        if !silent { view.close() }
        guard finished else {
            let (done, total) = progress
            Console.error("interrupted: \(done) of \(total) cells are done; the same command goes on from there")
            throw ExitCode(130)
        }
    }
}
