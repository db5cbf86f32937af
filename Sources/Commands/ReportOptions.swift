import ArgumentParser
import Platform

/// What every command that reports takes: text for people, or one JSON object last on standard output.
struct ReportOptions: ParsableArguments {
    @Flag(help: "Print one JSON object last on standard output.")
    var json = false

    func print(_ text: @autoclosure () -> String, json: @autoclosure () -> String) {
        Console.output(self.json ? json() : text())
    }

    func print(_ text: @autoclosure () -> String, json: @autoclosure () -> JSON) {
        print(text(), json: String(decoding: json().serialized(), as: UTF8.self))
    }
}
