import ArgumentParser
import Platform

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks whether this machine has what Apus needs, and names the command that mends what it has not.",
        discussion: """
            With --reference: evaluates cases that another implementation has computed, and compares. Exit codes: 0 all is well, 1 \
            something is broken or a case deviates by more than \(ReferenceReport.limit).
            """)

    @Option(help: ArgumentHelp("Evaluate the reference cases of a JSON file.", valueName: "file"))
    var reference: String?

    @Option(help: "The folder that is to hold the run directories.")
    var runs = "runs"

    @OptionGroup var report: ReportOptions

    func run() throws {
        if let reference { return try compare(reference) }
        let findings =
            Libraries.findings + Machine.findings + Transports.findings + Installation.findings(runs: runs) + Python.findings
        report.print(text(findings), json: json(findings))
        if findings.contains(where: { $0.state == .broken }) { throw ExitCode(1) }
    }

    private func compare(_ file: String) throws {
        let reference = try ReferenceReport(file: file)
        report.print(reference.text, json: reference.json)
        if !reference.passed { throw ExitCode(1) }
    }

    private func text(_ findings: [Finding]) -> String {
        let width = findings.map(\.name.count).max() ?? 0
        let lines = findings.map { finding in
            let mark = finding.state == .fine ? "ok " : finding.state == .warning ? "?  " : "NO "
            let name = finding.name + String(repeating: " ", count: width - finding.name.count)
            let remedy = finding.remedy.map { "\n\(String(repeating: " ", count: width + 5))→ \($0)" } ?? ""
            return "\(mark)\(name)  \(finding.text)\(remedy)"
        }
        let broken = findings.filter { $0.state == .broken }.count
        let verdict = broken == 0 ? "Apus can run here." : "\(broken) of \(findings.count) are broken."
        return (lines + ["", verdict]).joined(separator: "\n")
    }

    private func json(_ findings: [Finding]) -> JSON {
        .object([
            .init("healthy", .bool(!findings.contains { $0.state == .broken })), .init("findings", .array(findings.map(\.json))),
        ])
    }
}
