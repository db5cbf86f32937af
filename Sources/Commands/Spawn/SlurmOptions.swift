import ArgumentParser
import Glibc
import Platform
import Spawning

/// What `apus spawn --slurm` takes.
struct SlurmOptions: ParsableArguments {
    @Flag(help: "Start the actors as an array of Slurm jobs instead of over ssh.")
    var slurm = false

    @Option(name: .customShort("n"), help: "With --slurm: how many actors.")
    var count: Int?

    @Option(help: "With --slurm: the time limit of each job, for example 4:00:00; then it goes back to the queue.")
    var time: String?

    @Option(help: "With --slurm: the partition.")
    var partition: String?

    @Option(name: .customLong("sbatch-option"), help: ArgumentHelp("With --slurm: another option of sbatch.", valueName: "key=value"))
    var options: [String] = []

    @Option(help: "With --slurm: the folder for logs (default: apus-logs).")
    var logs: String?

    func validate() throws {
        let given = [("-n", count != nil), ("--time", time != nil), ("--partition", partition != nil), ("--logs", logs != nil), ("--sbatch-option", !options.isEmpty)]
        if !slurm, let stray = given.first(where: \.1) { throw ValidationError("\(stray.0) goes with --slurm.") }
        if slurm, count == nil { throw ValidationError("Say how many actors with -n, for example: apus spawn --slurm -n 64") }
        if let count, !(1...1_000_000).contains(count) { throw ValidationError("-n is \(count), allowed are 1 to 1000000.") }
        for option in options + [time.map { "time=\($0)" }, partition.map { "partition=\($0)" }].compactMap({ $0 })
        where !SlurmScript.isOption(option) {
            throw ValidationError("\"\(option)\" is no option of sbatch: write it as key=value, for example --sbatch-option mem=2G")
        }
    }

    /// The script that is submitted.
    func script(_ program: ActorProgram, coordinator: String, arguments: [String]) throws -> SlurmScript {
        SlurmScript(
            count: count!, command: program.command + ["--coordinator", coordinator] + arguments, logs: try Self.absolute(logs ?? "apus-logs"),
            time: time, partition: partition, options: options)
    }

    /// Gives the script to sbatch.
    ///
    /// - Returns: the job's number.
    func submit(_ script: SlurmScript) throws -> String {
        try Files.createDirectory(script.logs)
        let file = "\(script.logs)/actors.sbatch"
        try Files.writeAtomically(Array(script.text.utf8), to: file)
        let answer = try CommandAnswer(["sbatch", "--parsable", file])
        guard answer.code == 0, let job = answer.output.split(whereSeparator: { $0 == ";" || $0.isNewline }).first else {
            throw SpawnError(
                problem: "sbatch does not take the job: \(answer.errors.isEmpty ? answer.output : answer.errors)", place: file,
                remedy: "Correct what it names with --partition, --time or --sbatch-option; --print shows the script.")
        }
        return String(job)
    }

    static func absolute(_ path: String) throws -> String {
        if path.hasPrefix("/") { return path }
        return try Files.readLink("/proc/self/cwd") + "/\(path)"
    }
}
