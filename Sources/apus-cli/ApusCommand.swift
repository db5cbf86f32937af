import ArgumentParser

@main
struct ApusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus", abstract: "Distributed actor–learner reinforcement learning.",
        subcommands: [TrainCommand.self, BenchCommand.self, LedgerCommand.self])
}
