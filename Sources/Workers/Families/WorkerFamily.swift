import Environments

/// Environments of any program that speaks the protocol: `worker:PROGRAM [ARGUMENT …][?ENVIRONMENT]`.
///
/// A program that ends in `.py` is run by the Python that Apus finds.
public struct WorkerFamily: EnvironmentFamily {
    public let prefix = "worker"
    public let summary = "a program of yours that speaks the worker protocol: worker:PROGRAM [ARGUMENT …][?ENVIRONMENT]"

    public init() {}

    public func resolve(_ name: String, _ settings: EnvironmentSettings) throws -> ResolvedEnvironment {
        try environment(name, settings).resolved()
    }

    func environment(_ name: String, _ settings: EnvironmentSettings) throws -> WorkerEnvironment {
        let parts = name.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let words = parts[0].split(separator: " ").map(String.init)
        guard let program = words.first else {
            throw WorkerError(
                problem: "\"\(settings.id)\" names no program", place: "environment.id",
                remedy: "Write worker:PROGRAM, for example worker:./my-worker.")
        }
        let asked = parts.count > 1 ? String(parts[1]) : ""
        if program.hasSuffix(".py") {
            return try WorkerEnvironment(PythonInstallation.script(PythonInstallation.find(), words), name: asked, settings: settings)
        }
        guard let path = WorkerProgram.find(program) else {
            throw WorkerError(
                problem: "there is no program \"\(program)\"", place: "environment.id",
                remedy: "Write the path of a program that may be executed (chmod +x), as it is seen from where Apus is started.")
        }
        return try WorkerEnvironment(
            WorkerProgram(executable: path, arguments: Array(words.dropFirst())), name: asked, settings: settings)
    }
}
