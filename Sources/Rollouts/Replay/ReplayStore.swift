import Glibc
import Platform

/// A directory of checkpoints of a replay. Segments that are full are written once and shared by all checkpoints that hold them; the one
/// that is being filled, and an index with the priorities, are written each time. A file's name ends in its checksum, so that no file is ever
/// written over another one.
///
/// A file appears under its name when it is whole, and nothing refers to it before: whoever is killed in the midst of writing leaves all
/// older checkpoints as they were. One thread at a time writes and prunes.
public struct ReplayStore: Sendable {
    /// The manifest of the last checkpoint, for those who read the directory without a run (`dataset`).
    static let manifestName = "manifest.json"
    public let directory: String

    /// For reading.
    public init(_ directory: String) { self.directory = directory }

    /// For writing: makes the directory and removes what an interrupted write left behind.
    public init(writingTo directory: String) throws(FileError) {
        self.directory = directory
        try Files.createDirectory(directory)
        for name in try Files.list(directory) where name.hasPrefix(".tmp-") { try Files.remove("\(directory)/\(name)") }
    }

    /// Writes what is not there yet. May run on any thread while the replay goes on.
    ///
    /// - Returns: the manifest, which belongs into the run's checkpoint.
    public func write(_ snapshot: ReplaySnapshot) throws(FileError) -> ReplayManifest {
        var segments: [ReplayManifest.Segment] = []
        for (number, segment) in snapshot.segments.enumerated() {
            let isFull = number < snapshot.segments.count - 1
            let file = try segment.withParts(snapshot.layout) { parts throws(FileError) in
                try write(parts, "segment", segment.firstKey, known: isFull ? segment.checksum : nil)
            }
            segments.append(
                ReplayManifest.Segment(file: file, firstKey: segment.firstKey, sequences: segment.count, finals: segment.finalCount))
        }
        let bytes = snapshot.index()
        let index = try bytes.withUnsafeBytes { bytes in
            Result { () throws(FileError) in try write([bytes], "index", snapshot.state.nextKey, known: nil) }
        }.get()
        let manifest = ReplayManifest(layout: snapshot.layout.description, state: snapshot.state, index: index, segments: segments)
        try Files.writeAtomically(manifest.json, to: "\(directory)/\(Self.manifestName)")
        return manifest
    }

    /// - Parameter known: remembers the checksum of what does not change any more.
    private func write(
        _ parts: [UnsafeRawBufferPointer], _ kind: String, _ key: UInt64, known: Guarded<String?>?
    ) throws(FileError) -> ReplayManifest.File {
        let sum = known?.read { $0 } ?? CRC32C.hexadecimal(parts)
        known?.update { $0 = sum }
        let file = ReplayManifest.File(name: "\(kind)-\(key)-\(sum).bin", length: parts.reduce(0) { $0 + $1.count }, crc32c: sum)
        if !Files.exists("\(directory)/\(file.name)") { try Files.writeAtomically(parts, to: "\(directory)/\(file.name)") }
        return file
    }

    /// Removes the files that neither these checkpoints nor the last one written need.
    public func prune(keepingThoseOf manifests: [ReplayManifest]) throws(FileError) {
        var kept = Set(manifests.flatMap(\.names))
        if let last = try? manifest() { kept.formUnion(last.names) }
        for name in try Files.list(directory) where name.hasPrefix("segment-") || name.hasPrefix("index-") {
            if !kept.contains(name) { try Files.remove("\(directory)/\(name)") }
        }
    }

    /// The manifest of the checkpoint that was written last.
    /// - Throws: `FileError` when there is none, `ReplayError` when it is damaged.
    public func manifest() throws -> ReplayManifest {
        let path = "\(directory)/\(Self.manifestName)"
        return try ReplayManifest(json: Files.read(path), place: path)
    }

    /// One file of a checkpoint.
    /// - Throws: `ReplayError` unless it is what was written, `FileError` when the system refuses to read.
    func read(_ file: ReplayManifest.File) throws -> [UInt8] {
        let path = "\(directory)/\(file.name)"
        guard Files.exists(path) else { throw damaged(path, "it is missing") }
        let bytes = try Files.read(path)
        guard bytes.count == file.length else { throw damaged(path, "it has \(bytes.count) bytes in place of \(file.length)") }
        let sum = CRC32C.hexadecimal(bytes)
        guard sum == file.crc32c else { throw damaged(path, "its CRC-32C is \(sum) in place of \(file.crc32c)") }
        return bytes
    }

    func damaged(_ path: String, _ problem: String) -> ReplayError {
        ReplayError(.damaged, problem, place: path, remedy: "Use an older checkpoint, or go on without what was stored.")
    }
}
