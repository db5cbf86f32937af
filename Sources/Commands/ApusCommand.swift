import ArgumentParser
import Glibc
import Platform

struct ApusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus", abstract: "Distributed actor–learner reinforcement learning.", version: Release.version,
        subcommands: [
            TrainCommand.self,
            StatusCommand.self,
            WhyCommand.self,
            WatchCommand.self,
            SpawnCommand.self,
            AdjustCommand.self,
            EvaluateCommand.self,
            PlotCommand.self,
            LedgerCommand.self,
            ReplayCommand.self,
            LagSweepCommand.self,
            ProveCommand.self,
            ChaosCommand.self,
            BenchCommand.self,
            ConfigCommand.self,
            MethodsCommand.self,
            EnvironmentsCommand.self,
            DoctorCommand.self,
            CellCommand.self,
        ] + Roles.commands)

    static func main() {
        if let mistyped = mistyped(CommandLine.arguments.dropFirst(), of: self) {
            Console.error("Error: \(mistyped)")
            Glibc.exit(ExitCode.validationFailure.rawValue)
        }
        main(nil)
    }

    /// The parser says of an unknown command only that it is unexpected; this names the one that was probably meant.
    private static func mistyped(_ words: ArraySlice<String>, of command: any ParsableCommand.Type) -> UnknownCommand? {
        let known = command.configuration.subcommands
        guard let word = words.first, !word.hasPrefix("-"), word != "help", !known.isEmpty else { return nil }
        guard let next = known.first(where: { $0.configuration.commandName == word }) else {
            let names = known.filter { $0.configuration.shouldDisplay }.compactMap { $0.configuration.commandName }
            return UnknownCommand(name: word, parent: command.configuration.commandName ?? "", known: names)
        }
        return mistyped(words.dropFirst(), of: next)
    }
}

struct UnknownCommand: Remediable {
    let name: String
    let parent: String
    let known: [String]

    var problem: String { "there is no command \"\(name)\"" }
    var place: String { parent }
    var remedy: String {
        (nearest(to: name, in: known).map { "Did you mean \($0)? " } ?? "") + "There are: \(known.joined(separator: ", "))."
    }
}
