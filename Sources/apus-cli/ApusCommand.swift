import ArgumentParser
import Platform

@main
struct ApusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus", abstract: "Distributed actor–learner reinforcement learning.", version: Release.version,
        subcommands: [
            TrainCommand.self,
            StatusCommand.self,
            EvaluateCommand.self,
            PlotCommand.self,
            LedgerCommand.self,
            ConfigCommand.self,
            MethodsCommand.self,
            EnvironmentsCommand.self,
            DoctorCommand.self,
        ])
}
