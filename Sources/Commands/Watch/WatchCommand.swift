import ArgumentParser
import Coordinating
import Glibc
import Platform
import Runs
import Wire

struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Shows a run live: everybody who takes part, what they wait for, and why it is as fast as it is.",
        discussion: """
            On a terminal a full screen: q quits, s sorts, j, k, space, b, g and G move through the members. Elsewhere a line every --every seconds.
            It ends with the run. Without a run and an address, the one run under --runs that is being led. NO_COLOR is honoured.
            """)

    @OptionGroup var chosen: ChosenRun

    @Option(help: "Seconds between two lines where there is no terminal.")
    var every = 2.0

    func validate() throws {
        guard every >= 0.1, every.isFinite else { throw ValidationError("--every is \(every), allowed are 0.1 seconds and more.") }
    }

    func run() throws {
        let (directory, coordinator) = try chosen.resolve()
        let feed = try WatchFeed(coordinator, keys: chosen.key, directory: directory)
        defer { feed.end() }
        let signals = Signals.take()
        var state = WatchState(address: coordinator.description)
        if Terminal.isThere {
            try fullScreen(feed, directory, signals, &state)
        } else {
            try lines(feed, directory, signals, &state)
        }
    }

    // MARK: Both

    /// Takes what is new; whether the run is over.
    private func take(_ feed: WatchFeed, _ count: inout Int, _ lastAnswer: inout Time, _ directory: RunDirectory?, _ state: inout WatchState) throws -> Bool {
        switch try feed.news(since: &count) {
        case .answer(let status, let why):
            state.answered(status, why)
            lastAnswer = .now
        case .silence(let why): state.why = why
        case nil: break
        }
        state.silence = Time.now - lastAnswer
        // A coordinator that leaves in order takes its address with it.
        return directory.map { !Files.exists($0.coordinator) } ?? false
    }

    private func outcome(_ directory: RunDirectory?, _ state: WatchState) -> String {
        if let directory, let result = try? RunResult.read(from: directory) {
            return "\(directory.name) is over: \(result.reason); training return \(Format.decimal(result.trainingReturn, 1)), "
                + "evaluation return \(Format.decimal(result.evaluationReturn, 1))"
        }
        return state.status?.lastRecord?.outcome.map { "the run is over: \($0.reason)" } ?? "the run is no longer led"
    }

    // MARK: On a terminal

    private func fullScreen(_ feed: WatchFeed, _ directory: RunDirectory?, _ signals: Signals, _ state: inout WatchState) throws {
        let (glyphs, colour) = (Glyphs(unicode: Terminal.isUnicode), Terminal.wantsColour)
        let terminal = Terminal()
        defer { terminal.close() }
        var (signalCount, count, lastAnswer) = (0, 0, Time.now)
        while true {
            let over = try take(feed, &count, &lastAnswer, directory, &state)
            let size = terminal.size
            let screen = WatchScreen(state, columns: size.columns, rows: size.rows, glyphs: glyphs)
            if over {
                // What was seen last stays readable.
                terminal.close()
                for line in screen.lines.dropLast() where !line.text.isEmpty { Console.output(line.text) }
                return Console.output(outcome(directory, state))
            }
            terminal.draw(screen.frame(colour: colour))
            Poll.wait(sockets: [], descriptors: signals.descriptors + terminal.descriptors, milliseconds: 100)
            if signals.received(before: &signalCount, abandoning: terminal.close) { return }
            for key in terminal.keys() {
                if key == .quit { return }
                state.press(key, rows: screen.rows)
            }
        }
    }

    // MARK: Elsewhere

    private func lines(_ feed: WatchFeed, _ directory: RunDirectory?, _ signals: Signals, _ state: inout WatchState) throws {
        var (signalCount, count, lastAnswer) = (0, 0, Time.now)
        var lastLine: Time?
        while true {
            let over = try take(feed, &count, &lastAnswer, directory, &state)
            if count > 0, over || lastLine.map({ Time.now - $0 >= every }) ?? true {
                lastLine = .now
                Console.output(line(state))
            }
            if over { return Console.output(outcome(directory, state)) }
            Poll.wait(sockets: [], descriptors: signals.descriptors, milliseconds: 100)
            if signals.received(before: &signalCount) { return }
        }
    }

    private func line(_ state: WatchState) -> String {
        var parts: [String] = []
        if let record = state.status?.lastRecord, let warmup = WarmupProgress({ record[$0] }) {
            parts = [warmup.text]
        } else if let record = state.status?.lastRecord {
            parts = [
                "version \(record.version)", "\(Format.count(Double(record.frames))) frames",
                "\(record["frames_per_second"].map(Format.count) ?? Format.absent) frames/s",
                "return \(Format.meanReturn(record["training_return"]))", "lag \(Format.decimal(record["policy_lag_mean"], 1))",
            ]
        }
        parts.append("\(state.status?.members.count ?? 0) members")
        if let why = state.why { parts.append(why.sentence) }
        return parts.joined(separator: "  ")
    }
}
