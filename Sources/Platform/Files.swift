import Glibc

/// Files whose writers survive being killed: what is under its final name is always whole.
public enum Files {
    /// The whole file. Works for files without a known length, such as those under /proc.
    public static func read(_ path: String) throws(FileError) -> [UInt8] {
        let descriptor = try opened(path, O_RDONLY, "read")
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError("read", path, code: errno) }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw FileError("read", path, code: EISDIR) }
        // One byte more than the length, so that the end is met without growing.
        var bytes = [UInt8](repeating: 0, count: max(Int(status.st_size) + 1, 4096))
        var filled = 0
        while true {
            if filled == bytes.count { bytes.append(contentsOf: repeatElement(0, count: bytes.count)) }
            let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + filled, $0.count - filled) }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError("read", path, code: errno)
            }
            if count == 0 { break }
            filled += count
        }
        bytes.removeSubrange(filled...)
        return bytes
    }

    /// Puts `bytes` under `path` such that a reader, and a machine that loses power, finds either the old file or the new one, whole.
    ///
    /// On an error the old file is untouched and nothing is left behind.
    public static func writeAtomically(_ bytes: [UInt8], to path: String) throws(FileError) {
        try bytes.withUnsafeBytes { bytes in Result { () throws(FileError) in try writeAtomically([bytes], to: path) } }.get()
    }

    /// The same with several parts, one after the other.
    public static func writeAtomically(_ parts: [UnsafeRawBufferPointer], to path: String) throws(FileError) {
        let temporary = temporaryName(for: path)
        do {
            try write(parts, to: temporary)
            try move(temporary, to: path)
        } catch {
            unlink(temporary)
            throw FileError(error.operation, path, code: error.code)
        }
        try flushDirectory(parent(of: path))
    }

    /// Writes a new file and flushes it to the disk. The name is not yet safe: call `flushDirectory` on its folder.
    ///
    /// - Parameter flush: false for what need not survive a loss of power.
    public static func write(_ bytes: [UInt8], to path: String, flush: Bool = true) throws(FileError) {
        try bytes.withUnsafeBytes { bytes in Result { () throws(FileError) in try write([bytes], to: path, flush: flush) } }.get()
    }

    private static func write(_ parts: [UnsafeRawBufferPointer], to path: String, flush: Bool = true) throws(FileError) {
        let descriptor = try opened(path, O_WRONLY | O_CREAT | O_TRUNC, "write")
        defer { close(descriptor) }
        for part in parts {
            let failure = writeAll(part, to: descriptor)
            guard failure == 0 else { throw FileError("write", path, code: failure) }
        }
        guard !flush || fsync(descriptor) == 0 else { throw FileError("flush", path, code: errno) }
    }

    /// Renames a file or a directory, replacing a file of that name.
    public static func move(_ path: String, to target: String) throws(FileError) {
        guard rename(path, target) == 0 else { throw FileError("rename", target, code: errno) }
    }

    /// Makes the names in a directory survive a loss of power.
    public static func flushDirectory(_ path: String) throws(FileError) {
        let descriptor = try opened(path, O_RDONLY | O_DIRECTORY, "flush")
        defer { close(descriptor) }
        // Some file systems cannot flush a directory and say EINVAL; there is nothing better to do on them.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileError("flush", path, code: errno) }
    }

    /// Flushes a file that others write to the disk.
    public static func flush(_ path: String) throws(FileError) {
        let descriptor = try opened(path, O_RDONLY, "flush")
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError("flush", path, code: errno) }
    }

    /// Whether a file, a directory, or what a link points to exists there.
    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Whether a directory (or a link to one) stands there.
    public static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// A file's length in bytes.
    public static func size(_ path: String) throws(FileError) -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileError("measure", path, code: errno) }
        return Int(status.st_size)
    }

    /// When a file was changed last, in seconds since 1970.
    public static func modified(_ path: String) throws(FileError) -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileError("look at", path, code: errno) }
        return status.st_mtim.tv_sec
    }

    /// Makes the directory and those above it; fine if it exists.
    public static func createDirectory(_ path: String) throws(FileError) {
        guard !isDirectory(path) else { return }
        let above = parent(of: path)
        if above != path { try createDirectory(above) }
        guard mkdir(path, 0o777) == 0 || errno == EEXIST && isDirectory(path) else {
            // EEXIST here means that something other than a directory has the name.
            throw FileError("create the directory", path, code: errno == EEXIST ? ENOTDIR : errno)
        }
    }

    /// The names in a directory, sorted, without "." and "..".
    public static func list(_ path: String) throws(FileError) -> [String] {
        guard let directory = opendir(path) else { throw FileError("list", path, code: errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                guard errno == 0 else { throw FileError("list", path, code: errno) }
                return names.sorted()
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    /// Removes a file, a link (not what it points to), or a directory with all that is in it; fine if nothing is there.
    public static func remove(_ path: String) throws(FileError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT else { throw FileError("remove", path, code: errno) }
            return
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            guard unlink(path) == 0 || errno == ENOENT else { throw FileError("remove", path, code: errno) }
            return
        }
        for name in try list(path) { try remove("\(path)/\(name)") }
        guard rmdir(path) == 0 || errno == ENOENT else { throw FileError("remove", path, code: errno) }
    }

    /// Makes the symbolic link `path` point to `target`, replacing an older link in one step.
    public static func replaceLink(at path: String, to target: String) throws(FileError) {
        let temporary = temporaryName(for: path)
        guard symlink(target, temporary) == 0 else { throw FileError("link", path, code: errno) }
        guard rename(temporary, path) == 0 else {
            let code = errno
            unlink(temporary)
            throw FileError("link", path, code: code)
        }
        try flushDirectory(parent(of: path))
    }

    /// What a symbolic link points to, as written in it.
    public static func readLink(_ path: String) throws(FileError) -> String {
        var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = target.withUnsafeMutableBytes { readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) }
        guard count >= 0 else { throw FileError("read the link", path, code: errno) }
        return String(decoding: target[..<count], as: UTF8.self)
    }

    /// The directory that a path lies in: "runs" for "runs/a", "." for "a".
    public static func parent(of path: String) -> String {
        let trimmed = path.count > 1 && path.last == "/" ? String(path.dropLast()) : path
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    /// A name beside `path` that no other process uses.
    static func temporaryName(for path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        return "\(parent(of: path))/.tmp-\(name)-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    }

    static func opened(_ path: String, _ flags: Int32, _ operation: String) throws(FileError) -> Int32 {
        while true {
            let descriptor = open(path, flags | O_CLOEXEC, 0o666)
            if descriptor >= 0 { return descriptor }
            guard errno == EINTR else { throw FileError(operation, path, code: errno) }
        }
    }

    /// Writes every byte; 0, or the error number.
    static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            if count < 0 {
                if errno == EINTR { continue }
                return errno
            }
            written += count
        }
        return 0
    }
}
