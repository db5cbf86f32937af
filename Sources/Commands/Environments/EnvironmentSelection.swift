import ArgumentParser
import Environments
import Platform

/// An environment and its options, as commands take them.
struct EnvironmentSelection: ParsableArguments {
    @Argument(help: ArgumentHelp("The id of an environment, or the path of a worker program.", valueName: "id-or-worker"))
    var id: String

    @Option(help: "How many instances step together.")
    var slots = 4

    @Option(name: .customLong("set"), help: ArgumentHelp("An option of the environment; may be repeated.", valueName: "name=number"))
    var options: [String] = []

    func validate() throws {
        guard 1...65536 ~= slots else { throw ValidationError("--slots is \(slots), allowed are 1 to 65536.") }
        _ = try parsedOptions()
    }

    private func parsedOptions() throws -> [String: Double] {
        var parsed: [String: Double] = [:]
        for option in options {
            let parts = option.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = Double(parts[1]) else { throw ValidationError("--set \(option) is no NAME=NUMBER.") }
            parsed[String(parts[0])] = value
        }
        return parsed
    }

    func settings(in catalogue: EnvironmentCatalogue) throws -> EnvironmentSettings {
        // A path is a worker, without the family's name before it.
        let isPath = !catalogue.ids.contains(id) && !catalogue.families.contains { id.hasPrefix("\($0.prefix):") } && Files.exists(id)
        return EnvironmentSettings(isPath ? "worker:\(id.contains("/") ? id : "./\(id)")" : id, options: try parsedOptions())
    }
}
