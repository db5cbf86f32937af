import Glibc
import Platform

/// A terminal with a program in it: what a person would see and type.
final class TerminalWindow {
    let launched: Launched
    private let control: Int32
    private let before: termios
    /// All that the program has written so far.
    private(set) var written = ""

    init(_ scene: Scene, _ program: Program, _ arguments: [String], columns: UInt16, rows: UInt16, environment: [String] = []) throws {
        control = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        var (unlocked, number): (Int32, Int32) = (0, 0)
        // TIOCSPTLCK and TIOCGPTN, which Glibc's module does not show.
        guard control >= 0, ioctl(control, 0x4004_5431, &unlocked) == 0, ioctl(control, 0x8004_5430, &number) == 0 else {
            throw Trouble("no terminal: \(String(cString: strerror(errno)))")
        }
        var settings = termios()
        tcgetattr(control, &settings)
        before = settings
        Self.resize(control, columns, rows)
        launched = try scene.start(
            program, arguments, environment: ["TERM=xterm-256color", "LC_ALL=C.UTF-8"] + environment, terminal: "/dev/pts/\(number)")
    }

    deinit { close(control) }

    func resize(columns: UInt16, rows: UInt16) { Self.resize(control, columns, rows) }

    private static func resize(_ control: Int32, _ columns: UInt16, _ rows: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(control, UInt(TIOCSWINSZ), &size)
    }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        write(control, bytes, bytes.count)
    }

    /// Takes what the program has written; what is on the screen now, line by line, without styles.
    @discardableResult
    func look() -> [String] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(control, &buffer, buffer.count)
            guard count > 0 else { break }
            written += String(decoding: buffer[..<count], as: UTF8.self)
        }
        // A frame begins in the upper left corner and ends by clearing what is below it.
        guard let end = written.ranges(of: "\u{1B}[J").last, let start = written[..<end.lowerBound].ranges(of: "\u{1B}[H").last else { return [] }
        return written[start.upperBound..<end.lowerBound].split(separator: "\r\n", omittingEmptySubsequences: false).map { Self.plain($0.filter { $0 != "\r" }) }
    }

    static func plain(_ text: String) -> String {
        var (plain, rest) = ("", text[...])
        while let escape = rest.firstIndex(of: "\u{1B}") {
            plain += rest[..<escape]
            let sequence = rest[escape...].dropFirst(2)
            rest = sequence.firstIndex { $0.isLetter }.map { rest[rest.index(after: $0)...] } ?? ""
        }
        return plain + rest
    }

    /// Whether the terminal takes lines and shows what is typed, as before.
    var isRestored: Bool {
        var now = termios()
        tcgetattr(control, &now)
        return now.c_lflag == before.c_lflag && written.contains("\u{1B}[?1049l") && written.contains("\u{1B}[?25h")
    }
}
