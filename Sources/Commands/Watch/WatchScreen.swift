import Coordinating
import Platform
import Runs
import Wire

/// The screen of `apus watch` as a pure function of what is known and of the terminal's size.
///
/// Small terminals get fewer lines, the important ones: the run, the sentence of `apus why`, then the members, the ledger, the events.
package struct WatchScreen {
    package let lines: [StyledLine]
    /// How many members it shows.
    package let rows: Int

    package init(_ state: WatchState, columns: Int, rows height: Int, glyphs: Glyphs) {
        let parts = Parts(state: state, columns: max(columns, 1), glyphs: glyphs)
        let height = max(height, 1)
        let head = parts.head
        let why = parts.why
        let members = state.members
        // From the least to the most that there is room for.
        var left = height - 1
        func take(_ lines: [StyledLine]) -> [StyledLine] {
            let taken = Array(lines.prefix(max(left, 0)))
            left -= taken.count
            return taken
        }
        let top = Array(head.prefix(1))
        let sentence = take(why)
        let progress = take(Array(head.dropFirst()))
        let footer = height >= 10 ? take([parts.footer(shown: 0, of: members.count)]) : []
        let ledger = height >= 12 ? take(parts.ledger) : []
        let separator = height >= 14 ? take([StyledLine()]) : []
        let table = left >= 2 && !members.isEmpty ? take([parts.tableHead]) : []
        let reserved = height >= 20 ? min(parts.events.count, 5) : 0
        let shown = table.isEmpty ? 0 : min(members.count, max(left - reserved, 1))
        rows = max(shown, 1)
        let first = min(state.first, max(members.count - shown, 0))
        let memberLines = table.isEmpty ? [] : take(members[first..<(first + shown)].map(parts.member))
        let events = height >= 20 ? take(parts.events.suffix(max(left, 0))) : []
        let bottom = footer.isEmpty ? [] : [parts.footer(shown: shown, of: members.count, first: first)]
        let filling = Array(repeating: StyledLine(), count: max(left, 0))
        lines = (top + progress + separator + table + memberLines + events + filling + ledger + sentence + bottom)
            .prefix(height).map { $0.fitted(to: max(columns, 1)) }
    }

    /// What is written to the terminal: from the upper left corner on, each line cleared behind its end, so that nothing flickers.
    package func frame(colour: Bool) -> String {
        "\u{1B}[?2026h\u{1B}[H" + lines.map { "\($0.escaped(colour: colour))\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J\u{1B}[?2026l"
    }

    private struct Parts {
        let state: WatchState
        let columns: Int
        let glyphs: Glyphs

        private var wide: Bool { columns >= 100 }

        // MARK: The run

        var head: [StyledLine] {
            guard let status = state.status else { return [StyledLine(" apus watch: nobody has answered at \(state.address) yet ", .reverse).padded(to: columns)] }
            let silence = state.silence >= 1.5 ? ", no answer for \(Format.seconds(state.silence))" : ""
            var lines = [
                StyledLine(" \(status.runName)  led for \(Format.seconds(status.ageSeconds)) at \(state.address)\(silence) ", .reverse).padded(to: columns)
            ]
            guard let record = status.lastRecord else { return lines + [StyledLine("no record yet")] }
            if let warmup = WarmupProgress({ record[$0] }) { return lines + [StyledLine(warmup.text)] }
            func number(_ name: String, _ digits: Int) -> String { Format.decimal(record[name], digits) }
            var counts = StyledLine()
            counts.append(record["frames_per_second"].map(Format.count) ?? Format.absent, .bold)
            counts.append(" frames/s   \(Format.count(Double(record.frames))) frames   version \(record.version)")
            counts.append("   \(record["updates_per_second"].map(Format.count) ?? Format.absent) updates/s")
            if status.refused > 0 { counts.append("   \(status.refused) refused", .warning) }
            lines.append(counts)

            var returns = StyledLine("return ")
            returns.append(Format.meanReturn(record["training_return"]), .bold)
            returns.append("   evaluation \(Format.meanReturn(record["evaluation_return"]))   ")
            returns.append(glyphs.curve(state.returns, width: columns - returns.width), .good)
            lines.append(returns)
            if record["policy_lag_mean"] != nil {
                var lag = StyledLine("lag ")
                lag.append(number("policy_lag_mean", 2), .bold)
                lag.append(" updates (\(number("policy_lag_in_flight", 2)) in flight, \(number("policy_lag_in_queue", 2)) queued), at most \(number("policy_lag_maximum", 0))   ")
                lag.append(histogram(record))
                lines.append(lag)
            }
            return lines
        }

        /// How much of the data had which age: `lag 0 ▂█▃ 8`.
        private func histogram(_ record: Record) -> String {
            let prefix = "lag_share/"
            let shares = record.scalars.filter { $0.name.hasPrefix(prefix) }
            guard shares.count > 1 else { return "" }
            let names = shares.map { $0.name.dropFirst(prefix.count) }
            return "\(names.first!) \(glyphs.histogram(shares.map(\.value))) \(names.last!)"
        }

        // MARK: The members

        private static let hostWidth = 14

        var tableHead: StyledLine {
            StyledLine(row("member", "host", "pid", "busy", "frames/s", "version", "lag", "heard", "waits for"), .dim)
        }

        private func row(
            _ member: String, _ host: String, _ pid: String, _ busy: String, _ rate: String, _ version: String, _ lag: String, _ heard: String,
            _ waits: String
        ) -> String {
            var cells = [left(member, 13)]
            if wide { cells += [left(host, Self.hostWidth), right(pid, 7)] }
            cells += [left(busy, wide ? 13 : 10), right(rate, 9)]
            if columns >= 60 { cells += [right(version, 9), right(lag, 4)] }
            if wide { cells.append(right(heard, 7)) }
            return (cells + [waits]).joined(separator: " ")
        }

        func member(_ member: MemberStatus) -> StyledLine {
            func number(_ name: String) -> String { Format.decimal(member[name], 0) }
            let share = Format.share(member.busyShare)
            let bar = glyphs.bar(member.busyShare, width: wide ? 8 : 5)
            let long = member.waits.max { $0.seconds < $1.seconds }
            let waits = long.map { wait in
                let more = member.waits.count > 1 ? " and \(member.waits.count - 1) more" : ""
                return "\(wait.resource) from \(wait.holder) \(Format.seconds(wait.seconds))\(more)\(wait.detail.isEmpty ? "" : " (\(wait.detail))")"
            }
            let clock = member.clock.isEmpty ? "" : "  clock \(member.clock)"
            let text = row(
                "\(member.role) \(member.place)", member.host, "\(member.pid)", "\(bar) \(share)",
                member["frames_per_second"].map(Format.count) ?? Format.absent, number("version"), number("publish_lag"),
                Format.seconds(member.silentSeconds), (waits ?? "") + clock)
            return StyledLine(text, member.silentSeconds >= 1.5 ? .bad : (long?.seconds ?? 0) >= 1 ? .warning : .plain)
        }

        private func left(_ text: String, _ width: Int) -> String {
            text.count > width ? String(text.prefix(width)) : text + String(repeating: " ", count: width - text.count)
        }

        private func right(_ text: String, _ width: Int) -> String {
            text.count > width ? String(text.prefix(width)) : String(repeating: " ", count: width - text.count) + text
        }

        // MARK: Below

        /// The learner tells of its ledger with every record.
        var ledger: [StyledLine] {
            guard let learner = state.status?.members.first(where: { $0.role == .learner }), let produced = learner["ledger/produced"] else { return [] }
            let ends = ["trained", "stale", "filtered", "failed", "cancelled", "lost", "rewound", "open"].compactMap { name in
                learner["ledger/\(name)"].flatMap { $0 > 0 ? "\(Format.decimal($0, 0)) \(name)" : nil }
            }
            return [StyledLine("rollouts: \(Format.decimal(produced, 0)) = \(ends.joined(separator: " + "))")]
        }

        var events: [StyledLine] { (state.status?.events ?? []).suffix(8).map { StyledLine($0.line, .dim) } }

        /// Wrapped to at most three lines.
        var why: [StyledLine] {
            guard let why = state.why else { return [] }
            let style: StyledLine.Style = why.isFault ? .bad : .plain
            var lines: [String] = ["why:"]
            for word in why.sentence.split(separator: " ") {
                if lines[lines.count - 1].count + 1 + word.count > columns, lines.count < 3 { lines.append("    ") }
                lines[lines.count - 1] += (lines[lines.count - 1].hasSuffix("  ") ? "" : " ") + word
            }
            return lines.map { StyledLine($0, style) }
        }

        func footer(shown: Int, of count: Int, first: Int = 0) -> StyledLine {
            let part = shown < count ? "members \(first + 1) to \(first + shown) of \(count)   " : ""
            return StyledLine("\(part)q quit   s sort (\(state.order.rawValue))   j k space b g G page", .dim)
        }
    }
}
