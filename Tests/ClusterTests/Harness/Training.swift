import Glibc
import Networks
import Platform
import Runs
import Testing

/// A run under `apus train`.
struct Training {
    let scene: Scene
    let apus: Launched
    let directory: RunDirectory

    /// The process of a role, as its supervisor's child; nil while there is none.
    func process(of program: Program) -> Int32? {
        ProcessTable.all.first { $0.parent == apus.pid && $0.program == program.rawValue }?.pid
    }

    /// kill −9 of the role's process.
    func kill(_ program: Program) throws {
        try eventually("\(program.rawValue) runs", within: 60) { process(of: program) != nil }
        if let pid = process(of: program) { Glibc.kill(pid, SIGKILL) }
    }

    /// kill −9 of it so many times, spread over a run of so many frames.
    func kill(_ program: Program, times kills: Int, over frames: Int) throws {
        for time in 1...kills {
            try eventually("kill \(time) is due", within: 60) { directory.framesSoFar >= frames * time / (kills + 1) || apus.poll() != nil }
            usleep(UInt32.random(in: 0...100_000))
            try kill(program)
        }
    }
}

/// A run of so many frames that ends by nothing else, with a checkpoint every moment.
func endless(frames: Int) -> [String] {
    set([
        "stop.return=null", "stop.frames=\(frames)", "stop.evaluation_episodes=5", "learner.checkpoint_seconds=0.1", "metrics.every_seconds=0.05",
    ])
}

func set(_ changes: [String]) -> [String] { changes.flatMap { ["--set", $0] } }

extension Scene {
    /// Starts `apus train`.
    func train(_ arguments: [String], preset: String = "cartpole", name: String = "run") throws -> Training {
        let apus = try start(.apus, ["train", preset, "--runs", runs, "--name", name] + arguments)
        return Training(scene: self, apus: apus, directory: RunDirectory(path: "\(runs)/\(name)"))
    }

    /// Goes on with a run until it has so many frames.
    func resume(_ directory: RunDirectory, frames: UInt64) throws -> Launched {
        try start(.apus, ["train", directory.path, "--resume", "--set", "stop.frames=\(frames)"])
    }
}

extension RunDirectory {
    /// The frames of the last record so far.
    var framesSoFar: UInt64 {
        guard Files.exists(metrics), let last = try? MetricsTable(metrics).records.last else { return 0 }
        return last.frames
    }

    /// Waits until so many frames have been trained from now on: records that tell of before do not count, nor does a rewind.
    func expectProgress(_ frames: UInt64 = 1, within seconds: Double = 60) throws {
        let begin = Time.wall
        try eventually("\(path) goes on by \(frames) frames", within: seconds) {
            guard Files.exists(metrics) else { return false }
            let new = try MetricsTable(metrics).records.drop { $0.time < begin }
            return zip(new, new.dropFirst()).reduce(UInt64(0)) { $0 + ($1.1.frames - min($1.1.frames, $1.0.frames)) } >= frames
        }
    }

    /// Everything that must hold of a run that is over, whatever happened to its processes.
    ///
    /// - Parameters:
    ///   - framesPerRollout: of every actor; ties the frames counted to the rollouts in the ledger. nil: they have any number.
    ///   - columns: of the weights.
    func expectSound(frames: ClosedRange<UInt64>? = nil, framesPerRollout: UInt64? = 512, columns: Int = 8) throws {
        let ledger = try LedgerCheck.run(ledger)
        #expect(ledger.isSound, "\(ledger.text)")
        #expect(ledger.state.open == 0, "\(ledger.text)")
        let result = try #require(try RunResult.read(from: self))
        if let frames { #expect(frames.contains(result.frames), "\(result.frames) frames: \(result.reason)") }
        if let framesPerRollout {
            #expect(result.frames == ledger.state.totals.trained * framesPerRollout, "frames trained twice, or not at all\n\(ledger.text)")
        }
        #expect(result.version == ledger.state.version)

        let (checkpoint, skipped) = try #require(try CheckpointStore(checkpoints).readNewestValid())
        #expect(checkpoint.version == result.version && skipped == [])
        let weights = try Safetensors.decode(#require(checkpoint.files["weights.safetensors"]), place: "weights.safetensors")
        #expect(weights.columns.count == columns)

        let records = try MetricsTable(metrics).records
        #expect(records.last?.frames == result.frames)
        #expect(zip(records, records.dropFirst()).allSatisfy { $0.time < $1.time }, "a line of metrics.jsonl stands twice or out of order")
        let steps = zip(records, records.dropFirst())
        let backward = steps.filter { $1.version < $0.version }.count
        #expect(backward <= ledger.state.rewinds, "the version went back \(backward) times, and \(ledger.state.rewinds) were rewinds")
        #expect(steps.allSatisfy { ($0.version < $1.version) == ($0.frames < $1.frames) || $0.version > $1.version })
    }
}
