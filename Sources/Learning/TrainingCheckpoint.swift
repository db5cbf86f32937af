import Networks
import Platform
import Runs
import Tensors

/// A checkpoint's content: `weights.safetensors`, `optimizer.safetensors`, `state.json`.
package struct TrainingCheckpoint: Sendable {
    static let weightsFile = "weights.safetensors"
    static let optimizerFile = "optimizer.safetensors"
    static let stateFile = "state.json"

    package let version: UInt64
    package let frames: UInt64
    package let weights: [Column]
    package let optimizer: [Column]
    /// What the trainer has counted of observations and rewards.
    package let statistics: JSON
    /// Counters that go on after a resume.
    let state: TrainingState

    package var files: [(name: String, bytes: [UInt8])] {
        let metadata = ["format": "apus", "version": "\(version)", "frames": "\(frames)"]
        return [
            (Self.weightsFile, Safetensors.encode(weights, metadata: metadata)),
            (Self.optimizerFile, Safetensors.encode(optimizer, metadata: metadata)),
            (Self.stateFile, state.json(version: version, frames: frames, statistics: statistics)),
        ]
    }

    package init(_ trainer: Trainer, state: TrainingState) {
        (weights, optimizer, statistics) = trainer.snapshot()
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
        statistics = json["statistics"] ?? .object([])
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

    func json(version: UInt64, frames: UInt64, statistics: JSON) -> [UInt8] {
        var members = [
            JSON.Member("version", .integer(Int(version))), JSON.Member("frames", .integer(Int(frames))),
            JSON.Member("episodes", .integer(Int(episodes))), JSON.Member("seconds", .number(seconds)),
        ]
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
