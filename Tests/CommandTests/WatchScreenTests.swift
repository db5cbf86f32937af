import Commands
import Coordinating
import Testing
import Wire

/// Screens as text, line by line.
@Suite struct WatchScreenTests {
    private func state(actors: Int = 2) -> WatchState {
        let learner = MemberStatus(
            role: .learner, place: MemberPlace(rank: 0, incarnation: 1), host: "gpu1", pid: 50, silentSeconds: 0.1,
            gauges: [
                Gauge("learner_busy_share", 0.75), Gauge("version", 7078), Gauge("frames_per_second", 1_350_000), Gauge("ledger/produced", 12),
                Gauge("ledger/trained", 10), Gauge("ledger/open", 2),
            ], waits: [Wait(resource: "rollouts (0 of 1)", holder: "actors", seconds: 0.05, thread: "training")])
        let actors = (0..<UInt32(actors)).map { rank in
            MemberStatus(
                role: .actor, place: MemberPlace(rank: rank, incarnation: 0), host: "node\(rank)", pid: 100 + rank, silentSeconds: 0.2,
                gauges: [
                    Gauge("busy_share", Double(rank) / 4), Gauge("version", 7065), Gauge("frames_per_second", Double(650_000 + rank)),
                    Gauge("publish_lag", 13),
                ], waits: rank == 0 ? [Wait(resource: "credit", holder: "learner", seconds: 2.5, thread: "stepping")] : [])
        }
        var state = WatchState(address: "tcp://h:7700")
        for (time, value) in [(1.0, 10.0), (2, 200), (3, 500)] {
            let record = Record(
                sequence: UInt64(time), time: time, version: 7078, frames: 3_620_000,
                scalars: [
                    Gauge("frames_per_second", 1_350_000), Gauge("updates_per_second", 2637), Gauge("training_return", value),
                    Gauge("policy_lag_mean", 2.68), Gauge("policy_lag_in_flight", 0.94), Gauge("policy_lag_in_queue", 1.74),
                    Gauge("policy_lag_maximum", 6), Gauge("lag_share/0", 0.1), Gauge("lag_share/1", 0.2), Gauge("lag_share/2-3", 0.7),
                ])
            let status = Status(
                run: 1, runName: "demo", runDirectory: "", ageSeconds: 3.2, members: actors + [learner], lastRecord: record, refused: 0,
                events: [
                    MembershipEvent(
                        .joined, secondsAgo: 3, text: "", subject: .init(role: .actor, place: MemberPlace(rank: 0, incarnation: 0), host: "node0", pid: 100))
                ])
            state.answered(status, Diagnosis(Evidence(address: "", status: status, patience: 1)).answer)
        }
        return state
    }

    private func text(_ state: WatchState, _ columns: Int, _ rows: Int, unicode: Bool = true) -> [String] {
        WatchScreen(state, columns: columns, rows: rows, glyphs: Glyphs(unicode: unicode)).lines.map { line in
            line.text.reversed().drop { $0 == " " }.reversed().map(String.init).joined()
        }
    }

    @Test func aWideScreen() {
        let lines = text(state(), 120, 24)
        #expect(lines.count == 24)
        #expect(
            lines.prefix(9) == [
                " demo  led for 3.2 s at tcp://h:7700",
                "1.35 M frames/s   3.62 M frames   version 7078   2637 updates/s",
                "return 500.0   evaluation –   ▁▄█",
                "lag 2.68 updates (0.94 in flight, 1.74 queued), at most 6   0 ▂▃█ 2-3",
                "",
                "member        host               pid busy           frames/s   version  lag   heard waits for",
                "actor 0.0     node0              100 ░░░░░░░░ 0 %    650.0 k      7065   13   0.2 s credit from learner 2.5 s",
                "actor 1.0     node1              101 ██░░░░░░ 25 %   650.0 k      7065   13   0.2 s",
                "learner 0.1   gpu1                50 ██████░░ 75 %    1.35 M      7078    –   0.1 s rollouts (0 of 1) from actors 0.1 s",
            ], "\(lines.joined(separator: "\n"))")
        #expect(lines[9] == "3.0 s ago  actor 0.0 (process 100 on node0) joined")
        #expect(lines[20] == "rollouts: 12 = 10 trained + 2 open" || lines[21] == "rollouts: 12 = 10 trained + 2 open", "\(lines.joined(separator: "\n"))")
        #expect(lines[23].contains("q quit") && lines.contains { $0.hasPrefix("why: nothing is wrong at 1.35 M frames/s") })
    }

    @Test func aNarrowScreen() {
        let lines = text(state(), 40, 12)
        #expect(lines.count == 12 && lines.allSatisfy { $0.count <= 40 }, "\(lines.joined(separator: "\n"))")
        #expect(lines[0].hasPrefix(" demo") && lines.contains { $0.hasPrefix("actor 0.0") } && lines.contains { $0.hasPrefix("why:") })
    }

    /// Whatever the size, as many lines as there are rows, none too long, and nothing crashes.
    @Test func everySize() {
        for state in [state(), state(actors: 0), state(actors: 100), WatchState(address: "x")] {
            for rows in 1...30 {
                for columns in [1, 2, 3, 10, 29, 59, 60, 99, 100, 250] {
                    let screen = WatchScreen(state, columns: columns, rows: rows, glyphs: Glyphs(unicode: true))
                    #expect(screen.lines.count == rows && screen.lines.allSatisfy { $0.width <= columns }, "\(columns) × \(rows)")
                }
            }
        }
        #expect(text(state(), 80, 1) == [" demo  led for 3.2 s at tcp://h:7700"])
        #expect(text(state(), 80, 3)[1].hasPrefix("why:") || text(state(), 80, 3)[2].hasPrefix("why:") || text(state(), 80, 3).contains { $0.hasPrefix("why:") })
    }

    @Test func withoutUnicode() {
        let lines = text(state(), 120, 24, unicode: false)
        #expect(lines[7].contains("##...... 25 %") && lines[2].hasSuffix("_,#") || lines[2].hasSuffix("_-#"), "\(lines[2])")
    }

    @Test func pagingAndSorting() {
        var state = state(actors: 100)
        let rows = WatchScreen(state, columns: 120, rows: 24, glyphs: Glyphs(unicode: true)).rows
        #expect((5...20).contains(rows))
        #expect(text(state, 120, 24).last!.hasPrefix("members 1 to \(rows) of 101"))
        state.press(.pageDown, rows: rows)
        #expect(state.first == rows)
        state.press(.end, rows: rows)
        #expect(text(state, 120, 24).last!.hasPrefix("members \(102 - rows) to 101 of 101"))
        state.press(.down, rows: rows)
        #expect(state.first == 101 - rows)
        state.press(.home, rows: rows)
        state.press(.up, rows: rows)
        #expect(state.first == 0)
        state.press(.sort, rows: rows)
        #expect(state.order == .busy && state.members[0].place.rank == 99)
        for _ in 0..<2 { state.press(.sort, rows: rows) }
        #expect(state.order == .waiting && state.members[0].place.rank == 0 && state.members[1].role == .learner)
    }

    @Test func silence() {
        var state = state()
        state.silence = 4
        #expect(text(state, 120, 24)[0].hasSuffix("no answer for 4.0 s"))
        #expect(text(WatchState(address: "tcp://h:1"), 80, 24)[0] == " apus watch: nobody has answered at tcp://h:1 yet")
    }

    @Test func keys() {
        #expect(WatchKey.read(Array("qs\u{1B}[A\u{1B}[6~\u{1B}[1;5Cjx\u{3}".utf8)) == [.quit, .sort, .up, .pageDown, .down, .quit])
        #expect(WatchKey.read([0x1B]) == [] && WatchKey.read([0x1B, 0x5B]) == [] && WatchKey.read([0xFF, 0x00]) == [])
    }

    /// Names come from other hosts.
    @Test func nothingMovesTheCursor() {
        let line = StyledLine("a\u{1B}[2Jb\u{202E}c\u{7}\n", .bold)
        #expect(line.text == "a?[2Jb?c??" && line.escaped(colour: false) == "\u{1B}[1ma?[2Jb?c??\u{1B}[0m")
    }

    /// Without colours the same text, stressed by other means.
    @Test func colours() {
        #expect(StyledLine("x", .bad).escaped(colour: true) == "\u{1B}[1;31mx\u{1B}[0m")
        #expect(StyledLine("x", .bad).escaped(colour: false) == "\u{1B}[1mx\u{1B}[0m")
        #expect(StyledLine("x", .good).escaped(colour: false) == "x" && StyledLine("abcdef").fitted(to: 4).text == "abc…")
    }
}
