import Platform

/// What the kernel of this host says of a process.
public struct ProcessState: Sendable, Equatable {
    /// As in /proc/PID/stat: R runs, S sleeps, D waits for a disk, T is stopped, Z has ended.
    public var letter: Character
    public var program: String

    public init(letter: Character, program: String) {
        self.letter = letter
        self.program = program
    }

    public var isStopped: Bool { letter == "T" || letter == "t" }
    public var hasEnded: Bool { letter == "Z" || letter == "X" }

    /// nil: there is no such process.
    public static func of(_ pid: UInt32) -> ProcessState? {
        guard let bytes = try? Files.read("/proc/\(pid)/stat") else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        // The name may hold spaces and parentheses.
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close,
            let letter = text[close...].dropFirst(2).first
        else { return nil }
        return ProcessState(letter: letter, program: String(text[text.index(after: open)..<close]))
    }
}
