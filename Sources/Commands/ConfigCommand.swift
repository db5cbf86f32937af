import ArgumentParser
import Platform
import Runs

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Prints the whole run file that a preset, a file and --set make, with every key explained.",
        discussion: """
            Without a source: every key with its default. The presets are \(RunSpec.presets.joined(separator: ", ")). The output is a run \
            file:
              apus config cartpole > my.yaml; apus train my.yaml
            """)

    @Argument(help: ArgumentHelp("A preset, a run file, or the directory of a run.", valueName: "source"))
    var source: String?

    @Option(name: .customLong("set"), help: ArgumentHelp("Change a key, for example actors.slots=64.", valueName: "key=value"))
    var overrides: [String] = []

    @OptionGroup var report: ReportOptions

    func run() throws {
        let spec: RunSpec
        if let source, Files.isDirectory(source) {
            spec = try RunDirectory.open(source).loadSpec(overrides: overrides)
        } else if let source {
            spec = try RunSpec.load(source, overrides: overrides)
        } else {
            spec = try RunSpec.parse("", place: "the defaults", overrides: overrides)
        }
        try spec.checkNames(prepares: false)
        // The run file ends with a line's end of its own.
        let (yaml, json) = (try spec.yaml(commented: true).dropLast(), try spec.json())
        report.print(String(yaml), json: json)
    }
}
