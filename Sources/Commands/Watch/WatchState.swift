import Coordinating
import Wire

/// What `apus watch` shows: the last answer, what has been seen before, and what the person has chosen.
package struct WatchState {
    package enum Order: String, CaseIterable {
        case place
        case busy
        case rate = "frames/s"
        case waiting
        case silent
    }

    package var address: String
    package var status: Status?
    /// Since the last answer, in seconds.
    package var silence = 0.0
    package var why: Explanation?
    /// Training returns of the records so far.
    package private(set) var returns: [Double] = []
    private var lastRecord = 0.0
    package var order = Order.place
    /// The first member shown.
    package var first = 0

    /// As many points of the curve as the widest terminal has columns.
    private static let returnsKept = 1000

    package init(address: String) { self.address = address }

    package mutating func answered(_ status: Status, _ why: Explanation) {
        self.status = status
        self.why = why
        silence = 0
        guard let record = status.lastRecord, record.time != lastRecord else { return }
        lastRecord = record.time
        if let value = record["training_return"] { returns = returns.suffix(Self.returnsKept - 1) + [value] }
    }

    /// The members in the chosen order; what deserves attention first.
    package var members: [MemberStatus] {
        let members = status?.members ?? []
        func descending(_ value: (MemberStatus) -> Double) -> [MemberStatus] {
            members.enumerated().sorted { a, b in
                let (x, y) = (value(a.element), value(b.element))
                return x == y || x.isNaN || y.isNaN ? a.offset < b.offset : x > y
            }.map(\.element)
        }
        return switch order {
        case .place: members
        case .busy: descending { $0.busyShare ?? -1 }
        case .rate: descending { $0["frames_per_second"] ?? -1 }
        case .waiting: descending { $0.waits.map(\.seconds).max() ?? -1 }
        case .silent: descending(\.silentSeconds)
        }
    }

    /// - Parameter rows: of the table of members on the screen.
    package mutating func press(_ key: WatchKey, rows: Int) {
        let last = max((status?.members.count ?? 0) - rows, 0)
        switch key {
        case .sort:
            let all = Order.allCases
            order = all[(all.firstIndex(of: order)! + 1) % all.count]
            first = 0
        case .up: first -= 1
        case .down: first += 1
        case .pageUp: first -= rows
        case .pageDown: first += rows
        case .home: first = 0
        case .end: first = last
        case .quit: break
        }
        first = min(max(first, 0), last)
    }
}

/// A key with a meaning.
package enum WatchKey: Equatable {
    case quit, sort, up, down, pageUp, pageDown, home, end

    /// The keys in what a terminal has sent; a sequence that is not known means nothing.
    package static func read(_ bytes: [UInt8]) -> [WatchKey] {
        var (keys, rest) = ([WatchKey](), bytes[...])
        let sequences: [(String, WatchKey)] = [
            ("\u{1B}[A", .up), ("\u{1B}[B", .down), ("\u{1B}[5~", .pageUp), ("\u{1B}[6~", .pageDown), ("\u{1B}[H", .home), ("\u{1B}[F", .end),
            ("\u{1B}[1~", .home), ("\u{1B}[4~", .end), ("\u{1B}OA", .up), ("\u{1B}OB", .down), ("\u{1B}OH", .home), ("\u{1B}OF", .end),
            ("q", .quit), ("Q", .quit), ("\u{3}", .quit), ("\u{4}", .quit), ("s", .sort), ("k", .up), ("j", .down), ("b", .pageUp),
            (" ", .pageDown), ("f", .pageDown), ("g", .home), ("G", .end),
        ]
        while let byte = rest.first {
            if let (text, key) = sequences.first(where: { rest.starts(with: Array($0.0.utf8)) }) {
                keys.append(key)
                rest = rest.dropFirst(text.utf8.count)
            } else if byte == 0x1B, rest.count > 1 {
                // Some other sequence: up to its final letter.
                rest = rest.dropFirst(2).drop { !(0x40...0x7E).contains($0) }.dropFirst()
            } else {
                rest = rest.dropFirst()
            }
        }
        return keys
    }
}
