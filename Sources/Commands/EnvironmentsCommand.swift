import ArgumentParser

struct EnvironmentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "environments", abstract: "Lists the environments that a run may name, and tests them.",
        subcommands: [ListEnvironments.self, CheckEnvironment.self, ReplayEnvironment.self], defaultSubcommand: ListEnvironments.self)
}
