import ArgumentParser
import Environments
import Platform
import Tensors
import Workers

struct EnvironmentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "environments", abstract: "Lists the environments that a run may name.")

    @OptionGroup var report: ReportOptions

    func run() throws {
        let environments = EnvironmentCatalogue.current.environments
        report.print(
            environments.map(text).joined(separator: "\n\n"), json: .object([.init("environments", .array(environments.map(json)))]))
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

extension Space {
    fileprivate var words: String {
        switch self {
        case .discrete(let count): "one of \(count)"
        case .multiDiscrete(let counts): "one of each: \(counts.map(String.init).joined(separator: ", "))"
        case .bytes(let shape, let high): "\(shape.map(String.init).joined(separator: " × ")) whole numbers from 0 to \(high)"
        case .box(let shape, let low, let high) where low.count <= 8:
            "\(Self.count(shape)) in "
                + zip(low, high).map { "[\(Self.bound($0)), \(Self.bound($1))]" }.joined(separator: " ")
        case .box(let shape, _, _): Self.count(shape)
        }
    }

    private static func count(_ shape: [Int]) -> String {
        shape == [1] ? "1 number" : "\(shape.map(String.init).joined(separator: " × ")) numbers"
    }

    private static func bound(_ value: Float) -> String {
        value.isInfinite ? (value < 0 ? "−∞" : "∞") : Format.decimal(Double(value), 2)
    }

    fileprivate var json: JSON {
        switch self {
        case .discrete(let count): .object([.init("type", .string("discrete")), .init("count", .integer(count))])
        case .multiDiscrete(let counts):
            .object([.init("type", .string("multi_discrete")), .init("counts", .array(counts.map(JSON.integer)))])
        case .bytes(let shape, let high):
            .object([
                .init("type", .string("bytes")), .init("shape", .array(shape.map(JSON.integer))), .init("high", .integer(Int(high))),
            ])
        case .box(let shape, let low, let high):
            // JSON has no infinite numbers: null is "no bound".
            .object([
                .init("type", .string("box")), .init("shape", .array(shape.map(JSON.integer))),
                .init("low", .array(low.map { .number(Double($0)) })), .init("high", .array(high.map { .number(Double($0)) })),
            ])
        }
    }
}
