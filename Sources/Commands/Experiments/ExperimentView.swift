import Platform

/// How far an experiment is: one line that renews itself on a terminal, a plain line now and then elsewhere.
struct ExperimentView {
    private let start = Time.now
    private let known: Int
    private let terminal: Bool
    private var lastPrinted: Time
    private var lineIsOpen = false

    /// Seconds between two lines where no person looks on.
    private static let plainInterval = 5.0

    /// - Parameter progress: at the beginning.
    init(_ progress: (done: Int, total: Int), terminal: Bool) {
        known = progress.done
        self.terminal = terminal
        lastPrinted = start
        if known > 0 { Console.error("\(known) of \(progress.total) cells are known from before") }
    }

    /// - Parameter lines: what is to stay, above the progress.
    mutating func show(_ progress: (done: Int, total: Int), _ lines: [String]) {
        if !lines.isEmpty { close() }
        for line in lines { Console.output(line) }
        let now = Time.now
        let elapsed = now - start
        let left = elapsed / Double(max(progress.done - known, 1)) * Double(progress.total - progress.done)
        let line =
            "\(progress.done) of \(progress.total) cells, \(Format.seconds(elapsed))"
            + (progress.done < progress.total ? ", about \(Format.seconds(left)) left" : "")
        if terminal {
            Console.raw("\r\u{1B}[K\(line)")
            lineIsOpen = true
        } else if now - lastPrinted >= Self.plainInterval {
            lastPrinted = now
            Console.output(line)
        }
    }

    mutating func close() {
        if lineIsOpen { Console.output("") }
        lineIsOpen = false
    }
}
