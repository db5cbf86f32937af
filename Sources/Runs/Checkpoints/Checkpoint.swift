import Platform

/// A checkpoint whose files are what was written.
public struct Checkpoint: Sendable, Equatable {
    public let version: UInt64
    /// The files by name, without the manifest.
    public let files: [String: [UInt8]]
}

/// A checkpoint that cannot be used.
public enum CheckpointError: Remediable, Equatable {
    /// The run has none at all.
    case none(directory: String)
    /// No version was evaluated, so none is the best.
    case noBest(directory: String)
    case missing(version: UInt64, directory: String, existing: [UInt64])
    /// `previous` is the newest older checkpoint that is whole.
    case damaged(file: String, expected: String, found: String, previous: UInt64?)
    /// A learner wrote it that had been replaced: the run went on from an older version.
    case undone(version: UInt64, directory: String)
    /// There are checkpoints, and none of them is whole; `skipped` tells why, newest first.
    case noneValid(directory: String, skipped: [CheckpointError])

    public var problem: String {
        switch self {
        case .none: "the run has no checkpoint"
        case .noBest: "no checkpoint was evaluated, so none is the best"
        case .missing(let version, _, _): "there is no checkpoint of version \(version)"
        case .damaged(_, let expected, let found, _): "the checkpoint is damaged: expected \(expected), found \(found)"
        case .undone(let version, _): "checkpoint \(version) was written by a learner that another one had replaced"
        case .noneValid(_, let skipped):
            "none of the \(skipped.count) checkpoints is whole: " + skipped.map(\.description).joined(separator: " ")
        }
    }
    public var place: String {
        switch self {
        case .none(let directory), .noBest(let directory), .missing(_, let directory, _), .noneValid(let directory, _), .undone(_, let directory):
            directory
        case .damaged(let file, _, _, _): file
        }
    }
    public var remedy: String {
        switch self {
        case .none: "Wait until it has written one (learner.checkpoint_seconds)."
        case .noBest: "Take the latest one."
        case .missing(_, _, let existing):
            existing.isEmpty ? "No checkpoint has been written yet." : "Choose one of \(existing.map(String.init).joined(separator: ", "))."
        case .damaged(_, _, _, let previous?): "Use version \(previous), the newest older checkpoint that is whole."
        case .damaged(_, _, _, nil): "There is no older checkpoint that is whole: restore the file from a copy."
        case .undone: "Nothing to do: the one before is used."
        case .noneValid: "Restore a checkpoint from a copy, or start a new run."
        }
    }
}

extension CheckpointStore {
    /// Reads a checkpoint and verifies every file against the manifest.
    /// - Throws: `CheckpointError`, or `FileError` when the system refuses to read.
    public func read(_ version: UInt64) throws -> Checkpoint {
        do {
            return try verified(version)
        } catch CheckpointError.damaged(let file, let expected, let found, _) {
            let previous = try versions().last { older in older < version && (try? verified(older)) != nil }
            throw CheckpointError.damaged(file: file, expected: expected, found: found, previous: previous)
        }
    }

    /// The latest checkpoint, or the newest older one that is whole; `skipped` tells what is wrong with those in between. Nil when there
    /// is none at all.
    /// - Parameter counts: whether a whole checkpoint belongs to the run's history.
    public func readNewestValid(where counts: (Checkpoint) throws -> Bool = { _ in true }) throws -> (checkpoint: Checkpoint, skipped: [CheckpointError])? {
        guard let latest = try latest() else { return nil }
        var skipped: [CheckpointError] = []
        for version in try versions().reversed() where version <= latest {
            do {
                let checkpoint = try read(version)
                if try counts(checkpoint) { return (checkpoint, skipped) }
                skipped.append(.undone(version: version, directory: directory))
            } catch let error as CheckpointError { skipped.append(error) }
        }
        throw CheckpointError.noneValid(directory: directory, skipped: skipped)
    }

    private func verified(_ version: UInt64) throws -> Checkpoint {
        guard isComplete(version) else { throw CheckpointError.missing(version: version, directory: directory, existing: try versions()) }
        func damaged(_ name: String, _ expected: String, _ found: String) -> CheckpointError {
            .damaged(file: "\(path(of: version))/\(name)", expected: expected, found: found, previous: nil)
        }
        let manifestBytes = try Files.read("\(path(of: version))/\(CheckpointManifest.fileName)")
        guard let manifest = CheckpointManifest(json: manifestBytes) else {
            throw damaged(CheckpointManifest.fileName, "a manifest", "\(manifestBytes.count) bytes that are none")
        }
        guard manifest.version == version else {
            throw damaged(CheckpointManifest.fileName, "version \(version)", "version \(manifest.version)")
        }
        var files: [String: [UInt8]] = [:]
        for file in manifest.files {
            guard Files.exists("\(path(of: version))/\(file.name)") else { throw damaged(file.name, "\(file.length) bytes", "no file") }
            let bytes = try Files.read("\(path(of: version))/\(file.name)")
            guard bytes.count == file.length else { throw damaged(file.name, "\(file.length) bytes", "\(bytes.count) bytes") }
            let sum = CRC32C.hexadecimal(bytes)
            guard sum == file.crc32c else { throw damaged(file.name, "CRC-32C \(file.crc32c)", "CRC-32C \(sum)") }
            files[file.name] = bytes
        }
        return Checkpoint(version: version, files: files)
    }
}
