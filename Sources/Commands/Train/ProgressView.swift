import Platform
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
        let rate = record["frames_per_second"] ?? 0
        var parts = ["\(Format.seconds(elapsed))", "\(Format.count(Double(record.frames))) frames", "\(Format.count(rate)) frames/s"]
        if let mean = record["training_return"] {
            parts.append("return \(Format.decimal(mean, 1))" + (target.map { " of \(Format.decimal($0, 0))" } ?? ""))
        }
        if let lag = record["policy_lag_mean"] { parts.append("lag \(Format.decimal(lag, 1))") }
        if rate > 0, totalFrames > record.frames { parts.append("at most \(Format.seconds(Double(totalFrames - record.frames) / rate)) left") }
        return parts.joined(separator: "  ")
    }
}

/// Numbers as people read them.
enum Format {
    /// 1234567 → "1.23 M"
    static func count(_ value: Double) -> String {
        switch value {
        case 1e9...: "\(decimal(value / 1e9, 2)) G"
        case 1e6...: "\(decimal(value / 1e6, 2)) M"
        case 1e4...: "\(decimal(value / 1e3, 1)) k"
        default: decimal(value, 0)
        }
    }

    static func seconds(_ value: Double) -> String {
        switch value {
        case 3600...: "\(Int(value) / 3600) h \(Int(value) % 3600 / 60) min"
        case 120...: "\(Int(value) / 60) min \(Int(value) % 60) s"
        default: "\(decimal(value, 1)) s"
        }
    }

    static func decimal(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let units = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && units > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(units)" }
        let fraction = String(units % scale)
        return "\(sign)\(units / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
