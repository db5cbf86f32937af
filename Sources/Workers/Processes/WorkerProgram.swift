import Glibc

/// A program that speaks the worker protocol, and how it is started.
public struct WorkerProgram: Sendable {
    /// A path.
    public var executable: String
    /// The socket's address comes after these.
    public var arguments: [String]
    /// Set in addition to this process's own environment.
    public var variables: [String: String]
    /// Files that are written into a folder before the start, by their path in it.
    var files: [(name: String, text: [UInt8])] = []
    /// The variable with the list of folders (divided by colons) in front of which the folder of `files` is put.
    var searchPath: String?
    /// What to do when it does not come up, told by the last lines that it wrote; nil: nothing is known.
    var remedy: @Sendable (_ output: [String]) -> String? = { _ in nil }

    public init(executable: String, arguments: [String] = [], variables: [String: String] = [:]) {
        self.executable = executable
        self.arguments = arguments
        self.variables = variables
    }

    /// A program by its path, or by a name that is looked for in `PATH`; nil: there is none that may be executed.
    public static func find(_ name: String) -> String? {
        if name.contains("/") { return isProgram(name) ? name : nil }
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").lazy.map { "\($0)/\(name)" }.first(where: isProgram)
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
