import Glibc

/// A program's exit code and all that it said.
public struct CommandAnswer: Sendable {
    public let code: Int32
    public let output: String
    public let errors: String

    /// Runs it to its end.
    public init(_ words: [String]) throws {
        let process = try RemoteProcess(words, script: nil, file: "/dev/null")
        var (output, errors): ([UInt8], [String]) = ([], [])
        while true {
            let code = process.poll()
            output += process.takeOutput()
            errors += process.takeErrors(atEnd: code != nil)
            if let code {
                (self.code, self.output, self.errors) = (code, String(decoding: output, as: UTF8.self), errors.joined(separator: "\n"))
                return
            }
            usleep(1000)
        }
    }
}
