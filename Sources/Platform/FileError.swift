import Glibc

/// A file operation that the system refused.
public struct FileError: Remediable, Equatable {
    /// What was attempted, as it reads after "cannot": "read", "write", "create the directory".
    public let operation: String
    public let path: String
    /// The system's error number (`errno`).
    public let code: Int32

    public init(_ operation: String, _ path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    public var problem: String { "cannot \(operation): \(String(cString: strerror(code)))" }
    public var place: String { path }

    public var remedy: String {
        switch code {
        case ENOSPC, EDQUOT: "Free space there, or choose another --runs directory."
        case EROFS: "This file system is read-only: choose a --runs directory on one that is not."
        case EACCES, EPERM: "Ask for access to it, run as its owner, or choose another --runs directory."
        case ENOENT: "Check the spelling of the path."
        case ENOTDIR: "A file stands where a directory is expected: move it away or choose another path."
        case EISDIR: "A directory stands where a file is expected: move it away or choose another path."
        case EEXIST: "Something with this name exists already: remove it or choose another name."
        case EMFILE, ENFILE: "Too many files are open: raise the limit (ulimit -n) or run fewer programs."
        case ENAMETOOLONG: "Choose a shorter name."
        case EIO: "The device reports a fault: check the disk and the system's log."
        default: "Check the path and the disk it lies on."
        }
    }
}
