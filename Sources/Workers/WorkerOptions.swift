import Environments

/// How the workers of an environment are run: what a run may set under `environment.options` besides the environment's own options.
public struct WorkerOptions: Sendable, Hashable {
    /// The slots are divided among this many processes.
    public var processes = 1
    /// How long a step (and the first episode's start) may take, in seconds.
    public var stepDeadline = 30.0
    /// How long a worker may take to start, in seconds.
    public var openDeadline = 60.0
    /// How many failures within a minute are mended; one more ends the run.
    public var restarts = 5

    public init() {}

    /// What there is to set, with the defaults.
    public static let known = [
        EnvironmentOption("processes", 1, 1...1024, "the number of worker processes among which the slots are divided"),
        EnvironmentOption("step_deadline", 30, 0.01...86_400, "the seconds that a step may take before the worker is killed and restarted"),
        EnvironmentOption("open_deadline", 60, 0.01...86_400, "the seconds that a worker may take to start"),
        EnvironmentOption("restarts", 5, 0...1e6, "the failures within a minute that are mended by a restart"),
    ]

    /// Takes ours out of `options`; what remains is the environment's own.
    init(taking options: inout [String: Double], id: String) throws(WorkerError) {
        for option in Self.known {
            guard let value = options.removeValue(forKey: option.name) else { continue }
            let whole = option.name == "processes" || option.name == "restarts"
            guard option.range.contains(value), !whole || value == value.rounded() else {
                throw WorkerError(
                    problem: "\(option.name) is \(value), allowed is \(whole ? "a whole number, " : "")\(option.allowed)",
                    place: "environment.options.\(option.name)",
                    remedy: "It is \(option.documentation); the default is \(option.defaultValue).")
            }
            switch option.name {
            case "processes": processes = Int(value)
            case "step_deadline": stepDeadline = value
            case "open_deadline": openDeadline = value
            default: restarts = Int(value)
            }
        }
    }
}
