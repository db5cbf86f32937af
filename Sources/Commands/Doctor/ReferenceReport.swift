import Methods
import Platform

/// How far what is computed on this machine is from what another implementation has computed.
struct ReferenceReport {
    /// The largest relative deviation that passes: single precision, with room for sums in another order.
    static let limit = 1e-4

    let file: String
    /// By number in the file, from 1; nil for a name that this version does not know.
    let cases: [(number: Int, name: String, deviation: Double?)]

    /// - Throws: `ReferenceFileError` for a file of another format, `JSONError`, or `FileError`.
    init(file: String) throws {
        self.file = file
        guard let cases = try JSON.parse(Files.read(file), place: file)["cases"]?.array else {
            throw ReferenceFileError(problem: "there is no list \"cases\"", place: file)
        }
        self.cases = try cases.enumerated().map { index, reference in
            let name = reference["name"]?.string ?? "without a name"
            do {
                return (index + 1, name, try References.deviation(of: reference))
            } catch let error as ReferenceError {
                throw ReferenceFileError(problem: error.problem, place: "\(file), case \(index + 1) (\(name))")
            }
        }
        guard self.cases.contains(where: { $0.deviation != nil }) else {
            throw ReferenceFileError(
                problem: cases.isEmpty
                    ? "the list \"cases\" is empty" : "none of the \(cases.count) cases has a name that this version knows",
                place: file)
        }
    }

    private var known: [(number: Int, name: String, deviation: Double)] {
        cases.compactMap { reference in reference.deviation.map { (reference.number, reference.name, $0) } }
    }
    private var unknown: [(number: Int, name: String)] { cases.filter { $0.deviation == nil }.map { ($0.number, $0.name) } }
    private var failures: Int { known.filter { $0.deviation > Self.limit }.count }
    private var largest: Double { known.map(\.deviation).max() ?? 0 }
    var passed: Bool { failures == 0 }

    var text: String {
        var table = TextTable([("case", .right), ("name", .left), ("largest deviation", .right), ("", .left)])
        for reference in cases {
            let verdict = reference.deviation.map { $0 > Self.limit ? "FAILED" : "ok" } ?? "unknown here"
            table.add(["\(reference.number)", reference.name, reference.deviation.map(Self.scientific) ?? Format.absent, verdict])
        }
        return """
            \(table.text)

            \(known.count) cases, largest relative deviation \(Self.scientific(largest)), allowed \(Self.scientific(Self.limit)): \
            \(passed ? "all passed" : "\(failures) FAILED")\(unknown.isEmpty ? "" : "; \(unknown.count) of unknown names")
            """
    }

    /// 1.2e-07, which the table's readers compare by its exponent.
    private static func scientific(_ value: Double) -> String {
        guard value.isFinite, value > 0 else { return value == 0 ? "0" : "\(value)" }
        var (exponent, scaled) = (0, value)
        while scaled >= 9.95 { (exponent, scaled) = (exponent + 1, scaled / 10) }
        while scaled < 0.995 { (exponent, scaled) = (exponent - 1, scaled * 10) }
        return "\(Format.decimal(scaled, 1))e\(exponent)"
    }

    var json: JSON {
        .object([
            .init("file", .string(file)), .init("passed", .bool(passed)), .init("limit", .number(Self.limit)),
            .init("largest_deviation", .number(largest)), .init("failed", .integer(failures)), .init("known", .integer(known.count)),
            .init("unknown", .integer(unknown.count)),
            .init(
                "cases",
                .array(
                    cases.map {
                        .object([
                            .init("case", .integer($0.number)), .init("name", .string($0.name)), .init("known", .bool($0.deviation != nil)),
                            .init("deviation", $0.deviation.map(JSON.number) ?? .null),
                            .init("passed", $0.deviation.map { .bool($0 <= Self.limit) } ?? .null),
                        ])
                    })),
        ])
    }
}

/// A file that holds no reference cases, or one that cannot be evaluated.
struct ReferenceFileError: Remediable {
    let problem: String
    let place: String
    var remedy: String { "A file is {\"cases\": [{\"name\": …}, …]}; this version knows \(References.names.joined(separator: ", "))." }
}
