import Platform

/// What all actors of a host say, in one file that is begun anew before it gets long; the one before is kept.
final class KeptLog {
    private static let limit = 8 << 20

    private let folder: HostFolder
    private var file: AppendFile
    private var room: Int
    /// Lines that are not whole yet.
    private var rests: [Int: [UInt8]] = [:]

    init(_ folder: HostFolder) throws(FileError) {
        self.folder = folder
        let end = folder.logEnd()
        file = try AppendFile("\(folder.path)/log.\(end)")
        room = Self.limit
    }

    /// What actor `index` said: whole lines go into the log.
    func take(_ bytes: ArraySlice<UInt8>, of index: Int) {
        var rest = rests[index, default: []] + bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            append(Array("\(index)  ".utf8) + rest[...end])
            rest.removeFirst(end + 1)
        }
        rests[index] = rest
    }

    /// The actor is gone: what it said last may lack its line's end.
    func finish(_ index: Int) {
        guard let rest = rests.removeValue(forKey: index), !rest.isEmpty else { return }
        append(Array("\(index)  ".utf8) + rest + [UInt8(ascii: "\n")])
    }

    /// The keeper's own words.
    func say(_ line: String) { append(Array("keeper  \(line)\n".utf8)) }

    /// A full disk costs lines, not the actors.
    private func append(_ bytes: [UInt8]) {
        if room < bytes.count {
            let before = folder.logs().dropLast()
            if let next = try? AppendFile("\(folder.path)/log.\(folder.logEnd())") {
                file = next
                room = Self.limit
                for old in before { try? Files.remove(old.path) }
            }
        }
        if (try? file.append(bytes)) != nil { room -= bytes.count }
    }
}
