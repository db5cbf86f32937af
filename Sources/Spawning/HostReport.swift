/// What a host answers: a line of standard error that begins with `@apus`.
enum HostReport: Equatable {
    case wrongMachine(String)
    case noFolder(String)
    case noSpace(kilobytes: Int)
    /// The program is to be copied to this path.
    case missing(incoming: String)
    /// What was copied did not arrive whole.
    case torn(kilobytes: Int)
    case cannotStart(code: Int)
    case unreachable(String)
    /// `position`: the place in the log of the next byte that comes.
    case attached(running: Int, started: Int, position: Int, otherProgram: Bool)
    /// All actors have left.
    case over(finished: Int, failed: Int, restarts: Int)
    case keeperLost
    case stopped(Int)

    /// nil: a line of something else.
    init?(_ line: Substring) {
        guard line.hasPrefix("@apus ") else { return nil }
        let words = line.dropFirst(6).split(separator: " ", maxSplits: 1)
        guard let kind = words.first else { return nil }
        let rest = words.count == 2 ? String(words[1]) : ""
        let fields = rest.split(separator: " ")
        func number(_ name: String) -> Int {
            fields.firstIndex { $0 == name }.flatMap { $0 + 1 < fields.count ? Int(fields[$0 + 1]) : nil } ?? 0
        }
        switch kind {
        case "wrong-machine": self = .wrongMachine(rest)
        case "no-folder": self = .noFolder(rest)
        case "no-space": self = .noSpace(kilobytes: Int(rest) ?? 0)
        case "missing" where !rest.isEmpty: self = .missing(incoming: rest)
        case "torn": self = .torn(kilobytes: Int(rest) ?? 0)
        case "cannot-start": self = .cannotStart(code: Int(rest) ?? 0)
        case "unreachable": self = .unreachable(rest)
        case "attached":
            self = .attached(
                running: number("running"), started: number("started"), position: number("position"),
                otherProgram: fields.contains("other-program"))
        case "over": self = .over(finished: number("finished"), failed: number("failed"), restarts: number("restarts"))
        case "keeper-lost": self = .keeperLost
        case "stopped": self = .stopped(Int(rest) ?? 0)
        default: return nil
        }
    }
}
