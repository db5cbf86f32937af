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

    func environment(_ name: String, _ settings: EnvironmentSettings) throws -> WorkerEnvironment {
        guard !name.isEmpty else {
            throw WorkerError(
                problem: "\"\(settings.id)\" names no environment", place: "environment.id", remedy: "Write \(summary.split(separator: ": ").last!).")
        }
        return try WorkerEnvironment(PythonInstallation.worker(), name: "\(prefix):\(name)", settings: settings)
    }
}
