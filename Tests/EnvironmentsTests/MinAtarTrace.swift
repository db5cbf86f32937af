import Environments
import Glibc

/// Recorded episodes of the MinAtar package, as scripts/traces/record-minatar.py writes them.
struct MinAtarTrace {
    struct Record {
        /// Nil at the start of an episode.
        var step: (action: Int32, reward: Float, terminated: Bool)?
        var draws: RecordedDraws
        var observation: [UInt8]
    }

    let planes: Int
    let records: [Record]

    init(_ game: String) throws {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let path = "/\(folder)/Fixtures/MinAtar-\(game).trace"
        guard let file = fopen(path, "r") else { throw TraceError(path: path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let read = fread(&buffer, 1, buffer.count, file), read > 0 { bytes += buffer[..<read] }
        let magic = Array("minatar trace 1\n".utf8)
        guard bytes.starts(with: magic) else { throw TraceError(path: path) }

        var position = magic.count
        func byte() -> UInt8 {
            defer { position += 1 }
            return bytes[position]
        }
        func number() -> Int {
            var (value, shift) = (0, 0)
            while true {
                let next = byte()
                value |= Int(next & 127) << shift
                if next < 128 { return value }
                shift += 7
            }
        }
        planes = Int(byte())
        var records: [Record] = []
        var observation: [UInt8] = []
        while position < bytes.count {
            var step: (Int32, Float, Bool)?
            if byte() == 0 {
                observation = Array(repeating: 0, count: 100 * planes)
            } else {
                step = (Int32(byte()), Float(byte()), byte() == 1)
            }
            let draws = (0..<byte()).map { _ in (bound: Int(byte()), result: Int(byte())) }
            var bit = -1
            for _ in 0..<number() {
                bit += number()
                observation[bit] ^= 1
            }
            records.append(Record(step: step, draws: RecordedDraws(draws), observation: observation))
        }
        self.records = records
    }
}

/// The draws that the package was given for one step. Asking for another kind, or for more or fewer, is told by `fits`.
struct RecordedDraws: MinAtarDraws {
    private var rest: ArraySlice<(bound: Int, result: Int)>
    private var agreed = true

    init(_ draws: [(bound: Int, result: Int)]) { rest = draws[...] }

    /// Every draw was asked for, in order.
    var fits: Bool { agreed && rest.isEmpty }

    mutating func uniform() -> Double { (2 * Double(take(bound: 0)) + 1) / 512 }
    mutating func integer(below count: Int) -> Int { take(bound: count) }

    private mutating func take(bound: Int) -> Int {
        guard let next = rest.popFirst(), next.bound == bound else {
            agreed = false
            return 0
        }
        return next.result
    }
}
