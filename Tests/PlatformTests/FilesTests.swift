import Glibc
import Platform
import Testing

@Suite struct FilesTests {
    @Test func atomicWriteReplacesAndLeavesNothingBehind() throws {
        try inScratch { folder in
            let path = "\(folder)/a"
            try Files.writeAtomically([1, 2, 3], to: path)
            try Files.writeAtomically([UInt8](repeating: 7, count: 100_000), to: path)
            #expect(try Files.read(path) == [UInt8](repeating: 7, count: 100_000))
            #expect(try Files.list(folder) == ["a"])
        }
    }

    @Test func refusedAtomicWriteKeepsTheOldFile() throws {
        try inScratch { folder in
            try Files.createDirectory("\(folder)/taken/inside")
            #expect(throws: FileError("rename", "\(folder)/taken", code: EISDIR)) { try Files.writeAtomically([1], to: "\(folder)/taken") }
            #expect(try Files.list(folder) == ["taken"])
        }
    }

    @Test func readsFilesWithoutALength() throws {
        #expect(try Files.read("/proc/self/stat").count > 20)
        #expect(try Files.read("/dev/null").isEmpty)
    }

    @Test func errorsNamePathCauseAndRemedy() throws {
        let missing = #expect(throws: FileError.self) { try Files.read("/nowhere/at/all") }
        #expect(missing?.description == "cannot read: No such file or directory (in /nowhere/at/all). Check the spelling of the path.")
        let full = try AppendFile("/dev/full")
        let error = #expect(throws: FileError.self) { try full.append([1]) }
        #expect(error?.code == ENOSPC)
        #expect(error?.remedy.contains("--runs") == true)
        #expect(throws: FileError("read", "/tmp", code: EISDIR)) { try Files.read("/tmp") }
    }

    @Test func directoriesWithParentsAndRecursiveRemoval() throws {
        try inScratch { folder in
            try Files.createDirectory("\(folder)/a/b/c")
            try Files.createDirectory("\(folder)/a/b/c")
            try Files.write([1], to: "\(folder)/a/b/file")
            #expect(throws: FileError("create the directory", "\(folder)/a/b/file", code: ENOTDIR)) {
                try Files.createDirectory("\(folder)/a/b/file")
            }
            #expect(throws: FileError.self) { try Files.createDirectory("\(folder)/a/b/file/below") }
            // A link inside is removed itself, and what it points to stays.
            try Files.write([9], to: "\(folder)/kept")
            try Files.replaceLink(at: "\(folder)/a/link", to: "../kept")
            try Files.remove("\(folder)/a")
            try Files.remove("\(folder)/a")
            #expect(try Files.list(folder) == ["kept"])
        }
    }

    @Test func linksAreReplacedInOneStep() throws {
        try inScratch { folder in
            try Files.replaceLink(at: "\(folder)/latest", to: "1")
            #expect(!Files.exists("\(folder)/latest"))
            try Files.createDirectory("\(folder)/2")
            try Files.replaceLink(at: "\(folder)/latest", to: "2")
            #expect(Files.exists("\(folder)/latest"))
            #expect(try Files.readLink("\(folder)/latest") == "2")
            #expect(try Files.list(folder) == ["2", "latest"])
        }
    }

    @Test(arguments: [("a", "."), ("a/b", "a"), ("/a", "/"), ("/", "/"), ("a/b/", "a")])
    func parents(path: String, parent: String) { #expect(Files.parent(of: path) == parent) }

    @Test func appendFileGrowsAndIsCut() throws {
        try inScratch { folder in
            let path = "\(folder)/journal"
            do {
                let file = try AppendFile(path)
                try file.append([1, 2, 3])
            }
            let file = try AppendFile(path)
            try file.append([4, 5])
            #expect(try file.length() == 5)
            try file.truncate(to: 4)
            try file.append([6])
            try file.sync()
            #expect(try Files.read(path) == [1, 2, 3, 4, 6])
        }
    }

    /// The limit on a file's size cuts a write in its midst, as a full disk does. It holds for a process, so a child takes it.
    @Test func failedAppendLeavesNoPart() throws {
        try inScratch { folder in
            let path = "\(folder)/journal"
            let file = try AppendFile(path)
            try file.append([1, 2, 3, 4])
            let more = [UInt8](repeating: 5, count: 20)
            // Swift hides `fork` since a child of a threaded process may not run much; this one makes few system calls, and `alarm` bounds
            // it.
            let fork = unsafeBitCast(dlsym(nil, "fork"), to: (@convention(c) () -> pid_t).self)
            let child = fork()
            if child == 0 {
                alarm(5)
                signal(SIGXFSZ, SIG_IGN)
                var limit = rlimit(rlim_cur: 10, rlim_max: 10)
                setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
                do throws(FileError) { try file.append(more) } catch { _exit(error.code == EFBIG ? 0 : 2) }
                _exit(3)
            }
            var status: Int32 = 0
            waitpid(child, &status, 0)
            #expect(status == 0)
            #expect(try Files.read(path) == [1, 2, 3, 4])
            try file.append(more)
            #expect(try Files.read(path) == [1, 2, 3, 4] + more)
        }
    }
}

private func inScratch(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/apus-files-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try Files.createDirectory(folder)
    defer { try? Files.remove(folder) }
    try body(folder)
}
