import Glibc
import Platform
import Testing

extension Cluster {
    /// `apus watch` in a terminal of its own.
    @Suite struct WatchTests {
        private func screen(_ window: TerminalWindow, until what: String, _ condition: @escaping ([String]) -> Bool) throws -> [String] {
            var lines: [String] = []
            try eventually(what, within: 20) {
                lines = window.look()
                return condition(lines)
            }
            return lines
        }

        @Test func aFullScreenThatResizesAndQuits() throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 1_000_000_000) + ["--actors", "2"])
                try training.directory.expectProgress(50_000)
                for (farewell, environment) in [("q", [String]()), ("\u{3}", ["NO_COLOR=1"]), ("SIGTERM", [])] {
                    let window = try TerminalWindow(
                        scene, .apus, ["watch", training.directory.path], columns: 120, rows: 30, environment: environment)
                    let wide = try screen(window, until: "all members are shown") { lines in
                        ["actor 0.0", "actor 1.0", "learner 0.1"].allSatisfy { name in lines.contains { $0.hasPrefix(name) } }
                    }
                    #expect(wide.count == 30 && wide.allSatisfy { $0.count <= 120 })
                    #expect(wide[0].hasPrefix(" run  led for") && wide.contains { $0.hasPrefix("why: ") } && wide.contains { $0.hasPrefix("rollouts: ") })
                    #expect(window.written.contains("\u{1B}[?1049h") && window.written.contains("\u{1B}[?25l"))
                    #expect(window.written.contains("\u{1B}[32m") == environment.isEmpty, "colours, unless they are not wanted")
                    window.resize(columns: 38, rows: 9)
                    let narrow = try screen(window, until: "the screen has shrunk") { $0.count == 9 }
                    #expect(narrow.allSatisfy { $0.count <= 38 } && narrow[0].hasPrefix(" run  led"), "\(narrow)")
                    farewell == "SIGTERM" ? window.launched.signal(SIGTERM) : window.type(farewell)
                    #expect(try window.launched.wait(within: 10) == .code(0))
                    window.look()
                    #expect(window.isRestored)
                }
                training.apus.signal(SIGINT)
                try expectDone([training.apus])
            }
        }

        /// The last screen stays, as text, and the result below it.
        @Test func itEndsWithTheRun() throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 1_000_000_000))
                try training.directory.expectProgress(50_000)
                let window = try TerminalWindow(scene, .apus, ["watch", training.directory.path], columns: 100, rows: 25)
                _ = try screen(window, until: "the actor is shown") { lines in lines.contains { $0.hasPrefix("actor 0.0") } }
                let plain = try scene.start(.apus, ["watch", "run", "--runs", scene.runs, "--every", "0.1"])
                try eventually("lines are printed", within: 20) { plain.output.split(separator: "\n").count > 2 }
                training.apus.signal(SIGINT)
                try expectDone([training.apus, window.launched, plain])
                window.look()
                let left = window.written[window.written.ranges(of: "\u{1B}[?1049l").last!.upperBound...]
                #expect(window.isRestored && left.contains("actor 0.0") && left.contains("run is over: "), "\(left)")
                #expect(plain.output.contains("frames/s") && !plain.output.contains("\u{1B}") && plain.output.contains("run is over: "))
            }
        }
    }
}
