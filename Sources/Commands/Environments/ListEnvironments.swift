import ArgumentParser
import Environments
import Platform
import Tensors
import Workers

struct ListEnvironments: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the environments that a run may name.")

    @OptionGroup var report: ReportOptions

    func run() throws {
        let catalogue = EnvironmentCatalogue.current
        let stepped = catalogue.families.map { "\($0.prefix):…  \($0.summary)" }
        let options = WorkerOptions.known.map {
            "  environment.options.\($0.name)  \($0.documentation) (\(number(Float($0.defaultValue))))"
        }
        let workers = (stepped + ["Those run in processes of their own:"] + options).joined(separator: "\n")
        let tokens = TokenEnvironmentCatalogue.current
        let families = tokens.families.map { "\($0.prefix):…  \($0.summary)" }.joined(separator: "\n")
        report.print(
            (catalogue.environments.map(text) + [workers, "For token policies (methods of the kind \"token policy\"):"] + tokens.environments.map(text)
                + [families]).joined(separator: "\n\n"),
            json: .object([
                .init("environments", .array(catalogue.environments.map(json))),
                .init("token_environments", .array(tokens.environments.map(json))),
                .init(
                    "families",
                    .array(
                        catalogue.families.map { .object([.init("prefix", .string($0.prefix)), .init("summary", .string($0.summary))]) })),
            ]))
    }

    private func text(_ environment: any Environment.Type) -> String {
        """
        \(environment.id): \(environment.summary)
          observation   \(environment.observationSpace.words)
          action        \(environment.actionSpace.words)
          step limit    \(environment.maxEpisodeSteps.map { "\($0), then truncated" } ?? "none")
          solved from   \(environment.solvedReturn.map { "a mean return of \(number($0))" } ?? Format.absent)
        """
    }

    private func text(_ environment: any TokenEnvironment.Type) -> String {
        let options = environment.options.map {
            "\n  environment.options.\($0.name)  \($0.documentation), \($0.allowed) (\(number(Float($0.defaultValue))))"
        }
        return "\(environment.id): \(environment.summary)\(options.joined())"
    }

    private func json(_ environment: any TokenEnvironment.Type) -> JSON {
        .object([
            .init("id", .string(environment.id)), .init("summary", .string(environment.summary)),
            .init(
                "options",
                .array(
                    environment.options.map {
                        .object([
                            .init("name", .string($0.name)), .init("default", .number($0.defaultValue)), .init("documentation", .string($0.documentation)),
                        ])
                    })),
        ])
    }

    private func number(_ value: Float) -> String { Format.decimal(Double(value), value == value.rounded() ? 0 : 2) }

    private func json(_ environment: any Environment.Type) -> JSON {
        .object([
            .init("id", .string(environment.id)), .init("summary", .string(environment.summary)),
            .init("observation_space", environment.observationSpace.json), .init("action_space", environment.actionSpace.json),
            .init("max_episode_steps", environment.maxEpisodeSteps.map(JSON.integer) ?? .null),
            .init("solved_return", environment.solvedReturn.map { .number(Double($0)) } ?? .null),
        ])
    }
}
