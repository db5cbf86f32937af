import Glibc
import Platform

/// A person's terminal as a full screen: keys come one by one and are not shown, what stood there before is there again at the end.
final class Terminal {
    private let before: termios?
    private var open = true
    private var keysEnded = false
    private(set) var frame = ""

    /// Whether there is one to draw on.
    static var isThere: Bool {
        guard Console.isTerminal, let kind = getenv("TERM").map({ String(cString: $0) }) else { return false }
        return kind != "dumb" && kind != ""
    }

    /// Whether its text is Unicode.
    static var isUnicode: Bool {
        let names: [String] = ["LC_ALL", "LC_CTYPE", "LANG"]
        let locale = names.lazy.compactMap { name in getenv(name).map { String(cString: $0) } }.first { !$0.isEmpty } ?? ""
        return locale.lowercased().contains("utf-8") || locale.lowercased().contains("utf8")
    }

    /// https://no-color.org
    static var wantsColour: Bool { getenv("NO_COLOR").map { String(cString: $0).isEmpty } ?? true }

    init() {
        var settings = termios()
        if isatty(STDIN_FILENO) != 0, tcgetattr(STDIN_FILENO, &settings) == 0 {
            before = settings
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
            tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        } else {
            before = nil
            keysEnded = true
        }
        // The other screen, without a cursor, without wrapping.
        Console.raw("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J")
    }

    deinit { close() }

    /// Gives the terminal back as it was.
    func close() {
        guard open else { return }
        open = false
        Console.raw("\u{1B}[0m\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
        if var before { tcsetattr(STDIN_FILENO, TCSADRAIN, &before) }
    }

    /// Columns and rows, asked anew: a terminal may be resized at any time.
    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Draws a frame in one write, unless it stands there already.
    func draw(_ frame: String) {
        guard frame != self.frame else { return }
        self.frame = frame
        Console.raw(frame)
    }

    /// What to wait for, beside signals.
    var descriptors: [Int32] { keysEnded ? [] : [STDIN_FILENO] }

    /// What was typed since the last call.
    func keys() -> [WatchKey] {
        var ready = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard !keysEnded, poll(&ready, 1, 0) > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = read(STDIN_FILENO, &buffer, buffer.count)
        guard count > 0 else {
            keysEnded = count == 0 || errno != EINTR && errno != EAGAIN
            return []
        }
        return WatchKey.read(Array(buffer[..<count]))
    }
}
