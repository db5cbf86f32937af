import Glibc
import Platform

/// The kernel's list of processes.
enum ProcessTable {
    struct Entry {
        let pid: Int32
        let parent: Int32
        let arguments: [String]
        var program: String { arguments.first.map { String($0.split(separator: "/").last ?? "") } ?? "" }
    }

    /// All that run now, without those that have ended and only wait for their parent to take note.
    static var all: [Entry] {
        ((try? Files.list("/proc")) ?? []).compactMap { name in
            guard let pid = Int32(name), let stat = text("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")"),
                let commandLine = text("/proc/\(pid)/cmdline"), !commandLine.isEmpty
            else { return nil }
            // After the name: state and parent.
            let fields = stat[close...].dropFirst(2).split(separator: " ")
            guard fields.count > 1, fields[0] != "Z", fields[0] != "X", let parent = Int32(fields[1]) else { return nil }
            return Entry(pid: pid, parent: parent, arguments: commandLine.split(separator: "\0").map(String.init))
        }
    }

    static var hostName: String { text("/proc/sys/kernel/hostname").map { String($0.prefix { $0 != "\n" }) } ?? "localhost" }

    private static func text(_ path: String) -> String? { (try? Files.read(path)).map { String(decoding: $0, as: UTF8.self) } }
}
