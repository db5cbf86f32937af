import Glibc
import Platform

/// The directory of a run, `runs/NAME/`, and the names of what lies in it.
public struct RunDirectory: Sendable, Equatable {
    public let path: String

    /// Names the directory and looks at nothing: a learner on a host of its own makes what it needs of it.
    public init(path: String) { self.path = path }

    /// The resolved description of the run.
    public var spec: String { "\(path)/run.yaml" }
    public var metrics: String { "\(path)/metrics.jsonl" }
    public var checkpoints: String { "\(path)/checkpoints" }
    public var log: String { "\(path)/log" }
    /// The sequences of a replay.
    public var replay: String { "\(path)/replay" }
    public var ledger: String { "\(path)/ledger" }
    /// The description of the run as one life of the learner took it.
    public func life(_ number: UInt32) -> String { "\(path)/lives/\(number).yaml" }
    /// Holds the address of the coordinator, while one leads the run.
    public var coordinator: String { "\(path)/coordinator" }
    /// Holds the address of the coordinator's http server, while there is one.
    public var http: String { "\(path)/http" }
    var lockFile: String { "\(path)/lock" }

    /// The run's name: the last part of its path.
    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Makes the directory of a new run under `runs`, with the resolved description in it.
    ///
    /// Without a `name` it is called by the description's name and the local time `now` (seconds since 1970), and by a number if that is
    /// taken.
    /// - Throws: `RunDirectoryError` if `name` is taken or cannot be a name, or `FileError`.
    public static func create(runs: String, name: String? = nil, spec: RunSpec, now: Double = Time.wall) throws -> RunDirectory {
        if let name, !RunSpec.isName(name) { throw RunDirectoryError.badName(name) }
        try Files.createDirectory(runs)
        let base = name ?? "\(spec.name)-\(stamp(now))"
        var directory = RunDirectory(path: "\(runs)/\(base)")
        var attempt = 1
        // mkdir both asks and takes, so that two starts in one second get two directories.
        while mkdir(directory.path, 0o777) != 0 {
            guard errno == EEXIST else { throw FileError("create the directory", directory.path, code: errno) }
            guard name == nil else {
                throw Files.isDirectory(directory.path)
                    ? RunDirectoryError.exists(directory.path) : FileError("create the directory", directory.path, code: ENOTDIR)
            }
            attempt += 1
            directory = RunDirectory(path: "\(runs)/\(base)-\(attempt)")
        }
        do {
            try Files.createDirectory(directory.checkpoints)
            try Files.createDirectory(directory.log)
            try Files.writeAtomically([UInt8](try spec.yaml(commented: true).utf8), to: directory.spec)
        } catch {
            // Half a directory would only take the name.
            try? Files.remove(directory.path)
            throw error
        }
        return directory
    }

    /// The directory of a run that exists.
    public static func open(_ path: String) throws -> RunDirectory {
        let directory = RunDirectory(path: path.count > 1 && path.last == "/" ? String(path.dropLast()) : path)
        guard Files.exists(path) else { throw FileError("open the run", path, code: ENOENT) }
        guard Files.isDirectory(path) else { throw FileError("open the run", path, code: ENOTDIR) }
        guard Files.exists(directory.spec) else { throw RunDirectoryError.notARun(path) }
        return directory
    }

    /// The description that the run was started with, with `overrides` laid over it.
    public func loadSpec(overrides: [String] = []) throws -> RunSpec {
        try RunSpec.parse(String(decoding: try Files.read(spec), as: UTF8.self), place: spec, overrides: overrides)
    }

    /// Replaces the description that the run goes on with.
    public func rewrite(_ spec: RunSpec) throws {
        try Files.writeAtomically([UInt8](try spec.yaml(commented: true).utf8), to: self.spec)
    }

    private static func stamp(_ wall: Double) -> String {
        var seconds = time_t(wall)
        var parts = tm()
        localtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%Y%m%d-%H%M%S", &parts)
        return String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// A run directory that cannot be used as asked.
public enum RunDirectoryError: Remediable, Equatable {
    case exists(String)
    case notARun(String)
    case badName(String)
    /// `holder` is the process that holds the lock, nil where it could not be told.
    case locked(String, holder: Int32?)

    public var problem: String {
        switch self {
        case .exists: "the run exists already"
        case .notARun: "this directory is not a run: it has no run.yaml"
        case .badName(let name): "\"\(name)\" cannot be the name of a run"
        case .locked(_, let holder): "the run is in use by " + (holder.map { "process \($0)" } ?? "another process")
        }
    }
    public var place: String {
        switch self {
        case .exists(let path), .notARun(let path), .locked(let path, _): path
        case .badName: "--name"
        }
    }
    public var remedy: String {
        switch self {
        case .exists: "Continue it with --resume, or choose another --name."
        case .notARun: "Give the directory of a run, as it stands under runs/."
        case .badName: "Use letters, digits, '-', '_' and '.', not starting with '.'."
        case .locked: "Wait for it to end, or stop it, or choose another --name."
        }
    }
}
