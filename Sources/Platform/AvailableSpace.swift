import Glibc

/// How much more a program can store on this machine.
public enum AvailableSpace {
    /// Bytes of memory that can be used without swapping: of the machine, or of this process's control group where that allows less. Nil
    /// where the system does not tell.
    public static func memory() -> Int? {
        let machine = number(after: "MemAvailable:", in: "/proc/meminfo").map { $0 << 10 }
        guard let group = controlGroup(), let limit = number(after: "", in: "\(group)/memory.max"),
            let used = number(after: "", in: "\(group)/memory.current")
        else { return machine }
        // The group's use includes files that the system has read and can forget again.
        let room = max(limit - used + (number(after: "inactive_file ", in: "\(group)/memory.stat") ?? 0), 0)
        return min(machine ?? room, room)
    }

    /// Bytes that this user may still write to the file system on which `path` lies.
    public static func disk(_ path: String) throws(FileError) -> Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw FileError("measure the file system", path, code: errno) }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }

    /// The directory of this process's control group (version 2).
    private static func controlGroup() -> String? {
        guard let text = try? Files.read("/proc/self/cgroup") else { return nil }
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") where line.hasPrefix("0::") {
            let own = "/sys/fs/cgroup" + line.dropFirst(3)
            // Inside a container the path may be the host's, which is not to be seen from here.
            return Files.exists("\(own)/memory.max") ? own : "/sys/fs/cgroup"
        }
        return nil
    }

    /// The whole number after `prefix` at the beginning of a line.
    private static func number(after prefix: String, in file: String) -> Int? {
        guard let text = try? Files.read(file) else { return nil }
        let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(prefix) }
        guard let digits = line?.dropFirst(prefix.count).drop(while: { $0 == " " }).prefix(while: \.isNumber) else { return nil }
        return Int(digits)
    }
}
