import Networks
import Platform
import Rollouts
import Runs
import Tensors

/// A checkpoint's content: `weights.safetensors`, `optimizer.safetensors`, `state.json`, and with a replay `replay.json`, which names files of
/// the run's folder `replay`.
package struct TrainingCheckpoint: Sendable {
    static let weightsFile = "weights.safetensors"
    static let optimizerFile = "optimizer.safetensors"
    static let stateFile = "state.json"
    /// Which files of the run's replay folder belong to it.
    static let replayFile = "replay.json"

    package let version: UInt64
    package let frames: UInt64
    /// The life of the learner that made it, as its ledger counts; nil: not told.
    package let life: UInt32?
    package let weights: [Column]
    package let optimizer: [Column]
    /// What the trainer has counted of observations and rewards.
    package let statistics: JSON
    /// Counters that go on after a resume.
    let state: TrainingState
    /// What is still to be written of the replay.
    private let replay: ReplaySnapshot?
    /// What was written of it.
    package let replayManifest: ReplayManifest?

    /// Writes the checkpoint and makes it the latest: the replay's sequences first, so that no checkpoint refers to what is not there.
    ///
    /// - Parameters:
    ///   - replays: where the sequences go.
    ///   - confirm: see `CheckpointStore.write`.
    package func write(to store: CheckpointStore, replays: ReplayStore?, confirm: () throws -> Void = {}) throws {
        var files = files
        if let replay, let replays { files.append((Self.replayFile, try replays.write(replay).json)) }
        try store.write(version: version, files: files, confirm: confirm)
    }

    package var files: [(name: String, bytes: [UInt8])] {
        let metadata = ["format": "apus", "version": "\(version)", "frames": "\(frames)"]
        return [
            (Self.weightsFile, Safetensors.encode(weights, metadata: metadata)),
            (Self.optimizerFile, Safetensors.encode(optimizer, metadata: metadata)),
            (Self.stateFile, state.json(version: version, frames: frames, life: life, statistics: statistics)),
        ]
    }

    /// The life of the learner that made a checkpoint; nil: not told.
    package static func life(of checkpoint: Checkpoint) -> UInt32? {
        guard let text = checkpoint.files[stateFile], let json = try? JSON.parse(text, place: stateFile) else { return nil }
        return json["life"]?.integer.flatMap { UInt32(exactly: $0) }
    }

    /// Removes the sequences that no checkpoint needs any more.
    package static func prune(_ replays: ReplayStore, of store: CheckpointStore) throws {
        let manifests = try store.versions().compactMap { version -> ReplayManifest? in
            let path = "\(store.path(of: version))/\(replayFile)"
            return Files.exists(path) ? try ReplayManifest(json: Files.read(path), place: path) : nil
        }
        try replays.prune(keepingThoseOf: manifests)
    }

    package init(_ trainer: any Training, state: TrainingState, life: UInt32? = nil) {
        self.life = life
        (weights, optimizer, statistics, replay) = trainer.snapshot()
        replayManifest = nil
        version = trainer.version
        frames = trainer.frames
        self.state = state
    }

    package init(_ checkpoint: Checkpoint) throws {
        func columns(_ name: String) throws -> [Column] {
            guard let bytes = checkpoint.files[name] else {
                throw TrainingStateError(problem: "\(name) is missing", version: checkpoint.version)
            }
            return try Safetensors.decode(bytes, place: "checkpoint \(checkpoint.version), \(name)").columns
        }
        weights = try columns(Self.weightsFile)
        optimizer = try columns(Self.optimizerFile)
        guard let text = checkpoint.files[Self.stateFile] else {
            throw TrainingStateError(problem: "\(Self.stateFile) is missing", version: checkpoint.version)
        }
        let json: JSON
        do { json = try JSON.parse(text, place: Self.stateFile) } catch {
            throw TrainingStateError(problem: "\(error)", version: checkpoint.version)
        }
        func number(_ key: String) throws -> UInt64 {
            guard let value = json[key]?.integer, let exact = UInt64(exactly: value) else {
                throw TrainingStateError(problem: "\(Self.stateFile) has no whole number \(key)", version: checkpoint.version)
            }
            return exact
        }
        version = try number("version")
        frames = try number("frames")
        life = Self.life(of: checkpoint)
        statistics = json["statistics"] ?? .object([])
        replay = nil
        replayManifest = try checkpoint.files[Self.replayFile].map {
            try ReplayManifest(json: $0, place: "checkpoint \(checkpoint.version), \(Self.replayFile)")
        }
        state = TrainingState(
            episodes: try number("episodes"), seconds: json["seconds"]?.number ?? 0,
            bestReturn: json["best_return"]?.number)
    }
}

/// What the learner counts over its lives.
package struct TrainingState: Sendable, Equatable {
    /// Training episodes that have ended.
    var episodes: UInt64 = 0
    /// Seconds spent in training.
    var seconds: Double = 0
    /// The highest evaluation return of any version.
    var bestReturn: Double?

    package init(episodes: UInt64 = 0, seconds: Double = 0, bestReturn: Double? = nil) {
        self.episodes = episodes
        self.seconds = seconds
        self.bestReturn = bestReturn
    }

    func json(version: UInt64, frames: UInt64, life: UInt32?, statistics: JSON) -> [UInt8] {
        var members = [
            JSON.Member("version", .integer(Int(version))), JSON.Member("frames", .integer(Int(frames))),
            JSON.Member("episodes", .integer(Int(episodes))), JSON.Member("seconds", .number(seconds)),
        ]
        if let life { members.append(JSON.Member("life", .integer(Int(life)))) }
        if let bestReturn { members.append(JSON.Member("best_return", .number(bestReturn))) }
        members.append(JSON.Member("statistics", statistics))
        return JSON.object(members).serialized() + [UInt8(ascii: "\n")]
    }
}

package struct TrainingStateError: Remediable {
    package let problem: String
    let version: UInt64
    package var place: String { "checkpoint \(version)" }
    package var remedy: String { "Remove this checkpoint; the run then resumes from the one before." }
}
