import Glibc
import Platform

/// The SHA-256 of a file in hexadecimal digits, as the system's sha256sum says it: hosts compare with the same program.
public func sha256(ofFile path: String) throws -> String {
    let answer = try CommandAnswer(["sha256sum", "--", path])
    // A name with unusual characters makes the line begin with a backslash.
    let digest = String(answer.output.drop { $0 == "\\" }.prefix(64))
    guard answer.code == 0, digest.utf8.count == 64 else { throw FileError("read", path, code: Files.exists(path) ? EACCES : ENOENT) }
    return digest
}
