import Platform

/// The checkpoints of a run: `checkpoints/000000000012/` with any files and a `manifest.json`, and the links `latest` and `best`.
///
/// A directory appears under its final name only when all of it is on the disk, and the links follow afterwards: whoever is killed at any
/// moment leaves the checkpoints that were there before.
public struct CheckpointStore: Sendable {
    public let directory: String

    /// For reading: changes nothing on the disk, so a run that is being written can be looked at.
    public init(_ directory: String) { self.directory = directory }

    /// For writing: makes the directory and removes what an interrupted write left behind. Only the holder of the run's lock may do this.
    public init(writingTo directory: String) throws(FileError) {
        self.directory = directory
        try Files.createDirectory(directory)
        for name in try Files.list(directory) where name.hasPrefix(Self.temporaryPrefix) { try Files.remove("\(directory)/\(name)") }
    }

    /// Writes a checkpoint and makes it the latest. A checkpoint of the same version, left by a life that was undone, is replaced.
    ///
    /// On an error nothing has changed: `latest` points to the checkpoint before.
    /// - Parameter confirm: asked when all is ready, and again before `latest` follows; throws when this learner may not write any more.
    public func write(version: UInt64, files: [(name: String, bytes: [UInt8])], confirm: () throws -> Void = {}) throws {
        let temporary = temporaryPath(version)
        let final = path(of: version)
        do {
            try Files.createDirectory(temporary)
            for file in files { try Files.write(file.bytes, to: "\(temporary)/\(file.name)") }
            try Files.write(CheckpointManifest(version: version, files: files).json, to: "\(temporary)/\(CheckpointManifest.fileName)")
            try Files.flushDirectory(temporary)
            try confirm()
            if Files.exists(final) {
                let undone = temporaryPath(version)
                try Files.move(final, to: undone)
                try Files.move(temporary, to: final)
                try Files.remove(undone)
            } else {
                try Files.move(temporary, to: final)
            }
        } catch {
            try? Files.remove(temporary)
            guard let error = error as? FileError else { throw error }
            throw FileError(
                "\(error.operation) (checkpoint \(version) is not saved; the one before is untouched)", error.path, code: error.code)
        }
        try Files.flushDirectory(directory)
        try confirm()
        try Files.replaceLink(at: "\(directory)/latest", to: Self.name(of: version))
    }

    /// Makes a complete checkpoint the best one, as judged by an evaluation of exactly that version.
    public func markBest(_ version: UInt64) throws {
        guard isComplete(version) else { throw CheckpointError.missing(version: version, directory: directory, existing: try versions()) }
        try Files.replaceLink(at: "\(directory)/best", to: Self.name(of: version))
    }

    /// The versions of the complete checkpoints, ascending.
    public func versions() throws(FileError) -> [UInt64] {
        guard Files.exists(directory) else { return [] }
        return try Files.list(directory).compactMap(Self.version(named:)).filter(isComplete).sorted()
    }

    /// The version that was written last; when the link is missing or dangles, the newest complete one.
    public func latest() throws(FileError) -> UInt64? {
        if let linked = linked("latest") { return linked }
        return try versions().last
    }

    /// The best version: nil if none was marked; when the link dangles, the newest complete one.
    public func best() throws(FileError) -> UInt64? {
        if let linked = linked("best") { return linked }
        return (try? Files.readLink("\(directory)/best")) == nil ? nil : try versions().last
    }

    /// Removes all but the newest `keep` checkpoints up to the latest and the best one. Checkpoints above the latest belong to a life that
    /// was undone, and go too.
    public func prune(keep: Int) throws(FileError) {
        let versions = try versions()
        guard let latest = try latest() else { return }
        let kept = Set(versions.filter { $0 <= latest }.suffix(max(keep, 1)) + [latest, try best() ?? latest])
        for version in versions where !kept.contains(version) {
            // Renamed first: half a removal must not look like a checkpoint.
            let temporary = temporaryPath(version)
            try Files.move(path(of: version), to: temporary)
            try Files.remove(temporary)
        }
    }

    public func path(of version: UInt64) -> String { "\(directory)/\(Self.name(of: version))" }

    /// Whether a checkpoint stands under its final name; `read` verifies its files.
    func isComplete(_ version: UInt64) -> Bool { Files.exists("\(path(of: version))/\(CheckpointManifest.fileName)") }

    private func linked(_ name: String) -> UInt64? {
        guard let target = try? Files.readLink("\(directory)/\(name)"), let version = Self.version(named: target), isComplete(version)
        else {
            return nil
        }
        return version
    }

    private static let temporaryPrefix = ".tmp-"

    private func temporaryPath(_ version: UInt64) -> String {
        "\(directory)/\(Self.temporaryPrefix)\(Self.name(of: version))-\(UInt32.random(in: 0 ... .max))"
    }

    /// Twelve digits, so that names sort as versions do.
    private static func name(of version: UInt64) -> String {
        let digits = String(version)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }

    private static func version(named name: String) -> UInt64? {
        guard let version = UInt64(name), Self.name(of: version) == name else { return nil }
        return version
    }
}
