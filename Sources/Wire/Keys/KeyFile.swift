import Glibc
import Platform

/// A text file with one key: commented lines and `name = value`.
struct KeyFile {
    let path: String
    private let values: [String: (value: String, line: Int)]

    private static let fields = ["name", "public", "secret", "roles"]
    /// No key file is larger.
    private static let maximumBytes = 4096

    /// - Parameter isSecret: refuses a file that others than its owner can read.
    init(_ path: String, isSecret: Bool = false) throws {
        self.path = path
        if isSecret { try Self.checkMode(path) }
        let bytes = try Files.read(path)
        guard bytes.count <= Self.maximumBytes, let text = String(validating: bytes, as: UTF8.self) else {
            throw KeyError("\(bytes.count) bytes are no key file", path, "Restore it from a copy, or make a new identity with `apus keys new`.")
        }
        var values: [String: (value: String, line: Int)] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.trimmed
            guard !line.isEmpty, line.first != "#" else { continue }
            let place = "\(path), line \(index + 1)"
            guard let equals = line.firstIndex(of: "=") else {
                throw KeyError("\"\(line.prefix(60))\" is no setting", place, "Write NAME = VALUE, and comments after #.")
            }
            let (name, value) = (String(line[..<equals].trimmed), String(line[line.index(after: equals)...].trimmed))
            guard Self.fields.contains(name) else {
                let guess = nearest(to: name, in: Self.fields).map { "Did you mean \($0)? " } ?? ""
                throw KeyError("unknown setting \"\(name.prefix(60))\"", place, "\(guess)There are: \(Self.fields.joined(separator: ", ")).")
            }
            guard values[name] == nil else { throw KeyError("\(name) stands twice", place, "Remove one of the lines.") }
            values[name] = (value, index + 1)
        }
        self.values = values
    }

    private static func checkMode(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileError("read", path, code: errno) }
        guard status.st_mode & 0o077 == 0 else {
            throw KeyError(
                "others than its owner can use this secret key (mode \(String(status.st_mode & 0o777, radix: 8)))", path,
                "Run: chmod 600 '\(path)'. If others could have read it, make a new identity with `apus keys new` and revoke this one.")
        }
    }

    private func value(_ name: String) throws -> (value: String, line: Int) {
        guard let value = values[name] else {
            throw KeyError("\(name) is missing", path, "Restore the file from a copy, or make a new identity with `apus keys new`.")
        }
        return value
    }

    func publicKey() throws -> PublicKey {
        let (text, line) = try value("public")
        guard let key = PublicKey(text) else { throw notAKey("public", line) }
        return key
    }

    func pair() throws -> KeyPair {
        let (text, line) = try value("secret")
        guard let pair = KeyPair(secret: text) else { throw notAKey("secret", line) }
        let open = try publicKey()
        guard open == pair.publicKey else {
            throw KeyError(
                "the public key does not belong to the secret one", "\(path), line \(values["public"]!.line)",
                "Restore the file from a copy, or make a new identity with `apus keys new`.")
        }
        return pair
    }

    func name() throws -> String {
        let (text, line) = try value("name")
        guard AllowedKey.isName(text) else { throw KeyError(badName: text, "\(path), line \(line)") }
        return text
    }

    func roles() throws -> KeyRoles? {
        guard let (text, line) = values["roles"] else { return nil }
        guard let roles = KeyRoles(words: text.split(separator: ",").map(\.trimmed)) else {
            throw KeyError("roles is \"\(text.prefix(60))\"", "\(path), line \(line)", "Write some of actor, learner, command, separated by commas.")
        }
        return roles
    }

    private func notAKey(_ name: String, _ line: Int) -> KeyError {
        KeyError(
            "the value of \(name) is no key", "\(path), line \(line)",
            "A key is 40 characters as `apus keys show` prints them; restore the file from a copy or make a new identity with `apus keys new`.")
    }

    /// Writes whole or not at all, with this mode from the first byte on.
    static func write(_ lines: [String], to path: String, mode: mode_t) throws {
        let temporary = "\(Files.parent(of: path))/.tmp-key-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw FileError("write", path, code: errno) }
        do {
            defer { close(descriptor) }
            let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
            guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
                throw FileError("write", path, code: errno)
            }
            try Files.move(temporary, to: path)
        } catch {
            unlink(temporary)
            throw error
        }
        try Files.flushDirectory(Files.parent(of: path))
    }
}

/// What is wrong with keys, and what helps.
public struct KeyError: Remediable, Equatable {
    public let problem: String
    public let place: String
    public let remedy: String

    init(_ problem: String, _ place: String, _ remedy: String) {
        (self.problem, self.place, self.remedy) = (problem, place, remedy)
    }

    init(badName name: String, _ place: String) {
        self.init("\"\(name.prefix(80))\" cannot be the name of an identity", place, "Use up to 64 letters, digits and . _ - @, for example gpu-7.")
    }
}

extension StringProtocol {
    fileprivate var trimmed: SubSequence {
        var part = self[...]
        while let first = part.first, first.isWhitespace { part = part.dropFirst() }
        while let last = part.last, last.isWhitespace { part = part.dropLast() }
        return part
    }
}
