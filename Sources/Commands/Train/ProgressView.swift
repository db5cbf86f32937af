import Platform
import Runs
import Wire

/// Live progress of a run: one line that renews itself on a terminal, a plain line now and then elsewhere.
struct ProgressView {
    private let totalFrames: UInt64
    private let target: Double?
    private let terminal: Bool
    private let start: Time
    private var lastPrinted: Time?
    private var lastTime: Double = 0
    private var lineIsOpen = false

    /// Seconds between two lines where no person looks on.
    private static let plainInterval = 1.0

    init(totalFrames: Int, target: Double?, start: Time, terminal: Bool) {
        self.totalFrames = UInt64(totalFrames)
        self.target = target
        self.start = start
        self.terminal = terminal
    }

    mutating func show(_ record: Record) {
        let now = Time.now
        // The same record is seen several times.
        guard record.time > lastTime, terminal || lastPrinted.map({ now - $0 >= Self.plainInterval }) ?? true else { return }
        lastTime = record.time
        lastPrinted = now
        let line = text(record, elapsed: now - start)
        if terminal {
            Console.raw("\r\u{1B}[K\(line)")
            lineIsOpen = true
        } else {
            Console.output(line)
        }
    }

    /// A line that stays, above the progress.
    mutating func note(_ line: String) {
        close()
        Console.output(line)
    }

    mutating func close() {
        if lineIsOpen { Console.output("") }
        lineIsOpen = false
    }

    private func text(_ record: Record, elapsed: Double) -> String {
        if let warmup = WarmupProgress({ record[$0] }) { return "\(Format.seconds(elapsed))  \(warmup.text)" }
        let rate = record["frames_per_second"] ?? 0
        var parts = ["\(Format.seconds(elapsed))", "\(Format.count(Double(record.frames))) frames", "\(Format.count(rate)) frames/s"]
        if let mean = record["training_return"] {
            // A share of correct responses is told by its second digit, a return of hundreds by its whole part.
            let isShare = abs(target ?? mean) <= 1
            parts.append("return \(Format.decimal(mean, isShare ? 2 : 1))" + (target.map { " of \(Format.decimal($0, isShare ? 2 : 0))" } ?? ""))
        }
        if let lag = record["policy_lag_mean"] { parts.append("lag \(Format.decimal(lag, 1))") }
        if rate > 0, totalFrames > record.frames { parts.append("at most \(Format.seconds(Double(totalFrames - record.frames) / rate)) left") }
        return parts.joined(separator: "  ")
    }
}
