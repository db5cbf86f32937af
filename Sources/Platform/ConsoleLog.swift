import CPlatform
import Glibc
import Logging

/// Writes log lines for people to standard error: `12:34:56 role  message`.
public struct ConsoleLog: LogHandler {
    public var logLevel = Logger.Level.info
    public var metadata = Logger.Metadata()
    private let label: String

    public init(_ label: String) { self.label = label }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var seconds = time(nil)
        var parts = tm()
        localtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let severity = event.level >= .warning ? "\(event.level): " : ""
        Console.error("\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) \(label)  \(severity)\(event.message)")
    }

    public static func logger(_ label: String) -> Logger { Logger(label: label) { ConsoleLog($0) } }
}

/// Whole lines to the standard streams.
public enum Console {
    public static func output(_ line: String) { write(line, to: STDOUT_FILENO) }
    public static func error(_ line: String) { write(line, to: STDERR_FILENO) }

    /// Whether a person sees what is written to standard output.
    public static var isTerminal: Bool { isatty(STDOUT_FILENO) != 0 }

    /// Writes text as it is, without a line's end.
    public static func raw(_ text: String) { send(Array(text.utf8), to: STDOUT_FILENO) }

    private static func write(_ line: String, to descriptor: Int32) { send(Array("\(line)\n".utf8), to: descriptor) }

    private static func send(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            // A reader that has gone away is no reason to stop the work.
            guard count > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(count, 0))
        }
    }
}

/// Ties this process to the one that started it: it is killed when that one is gone.
public enum Parent {
    /// - Parameter pid: of the process that must live. Ends this process when it has already gone.
    public static func tie(to pid: Int32) {
        if apus_die_with_parent(pid) == 0 { _exit(1) }
    }
}
