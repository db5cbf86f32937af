import Environments

/// Environments that Apus's own worker finds in Python: `gymnasium:ID` and `pettingzoo:MODULE/NAME`.
public struct PythonFamily: EnvironmentFamily {
    public let prefix: String
    public let summary: String

    public static let gymnasium = PythonFamily(
        prefix: "gymnasium",
        summary: "any environment of Gymnasium's registry, stepped by Python: gymnasium:ALE/Pong-v5, gymnasium:MODULE:ID")
    public static let pettingZoo = PythonFamily(
        prefix: "pettingzoo",
        summary: "PettingZoo's parallel environments, all agents with one policy: pettingzoo:butterfly/pistonball_v6")

    public func resolve(_ name: String, _ settings: EnvironmentSettings) throws -> ResolvedEnvironment {
        try environment(name, settings).resolved()
    }

    /// - Parameter python: an interpreter's path; nil: the one that `PythonInstallation` finds.
    package func environment(_ name: String, _ settings: EnvironmentSettings, python: String? = nil) throws -> WorkerEnvironment {
        guard !name.isEmpty else {
            throw WorkerError(
                problem: "\"\(settings.id)\" names no environment", place: "environment.id",
                remedy: "Write \(summary.split(separator: ": ").last!).")
        }
        let program = PythonInstallation.worker(try python ?? PythonInstallation.find())
        return try WorkerEnvironment(program, name: "\(prefix):\(name)", settings: settings)
    }
}
