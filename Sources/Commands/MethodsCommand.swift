import ArgumentParser
import Methods
import Platform

struct MethodsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "methods", abstract: "Lists the methods that a run may name, with their options.",
        discussion: "A run sets an option with --set method.options.NAME=VALUE, or in its run file.")

    @OptionGroup var report: ReportOptions

    func run() throws {
        report.print(
            MethodCatalogue.current.methods.map(text).joined(separator: "\n\n"),
            json: .object([.init("methods", .array(MethodCatalogue.current.methods.map(json)))]))
    }

    private func text(_ method: MethodEntry) -> String {
        var table = TextTable([("option", .left), ("default", .right), ("allowed", .left), ("", .left)])
        for option in method.options {
            table.add([option.name, number(option.defaultValue), option.allowed, option.documentation])
        }
        let options = table.text.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        return """
            \(method.id): \(method.summary)
              \(method.kind); \(method.paper)\(method.paperID.isEmpty ? "" : " (\(method.paperID))")
              staleness \(method.staleness.letter): \(method.staleness.meaning)

            \(options)\(method.proof.map { "\n\n  apus prove \(method.id): \($0.claim)" } ?? "")
            """
    }

    private func number(_ value: Double) -> String { Int(exactly: value).map { "\($0)" } ?? "\(value)" }

    private func json(_ method: MethodEntry) -> JSON {
        .object([
            .init("id", .string(method.id)), .init("summary", .string(method.summary)), .init("paper", .string(method.paper)),
            .init("paper_id", .string(method.paperID)), .init("claim", method.proof.map { .string($0.claim) } ?? .null),
            .init("kind", .string(method.kind)), .init("staleness", .string(method.staleness.letter)),
            .init("max_lag", method.staleness.maxLag.map(JSON.integer) ?? .null),
            .init(
                "options",
                .array(
                    method.options.map { option in
                        .object([
                            .init("name", .string(option.name)), .init("default", .number(option.defaultValue)),
                            .init("minimum", .number(option.range.lowerBound)), .init("maximum", .number(option.range.upperBound)),
                            .init("flag", .bool(option.isFlag)), .init("documentation", .string(option.documentation)),
                        ])
                    })),
        ])
    }
}

extension Staleness {
    fileprivate var letter: String {
        switch self {
        case .any: "A"
        case .anchored: "B"
        case .onPolicy: "C"
        }
    }

    fileprivate var meaning: String {
        switch self {
        case .any: "data of any age"
        case .anchored: "data of the round's snapshot"
        case .onPolicy(let maxLag): "data of the current policy, corrected for its age, which is at most \(maxLag) updates"
        }
    }

    fileprivate var maxLag: Int? { if case .onPolicy(let maxLag) = self { maxLag } else { nil } }
}
