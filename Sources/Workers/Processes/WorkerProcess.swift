import CPlatform
import Glibc
import Platform
import Wire

/// A running worker: a child process that dies with this one, and the last lines that it wrote.
final class WorkerProcess {
    let pid: pid_t
    /// Readable when the worker has written something or has ended; nil once there is nothing more to come.
    private(set) var outputDescriptor: Int32?
    private var output: [UInt8] = []
    private var exit: String?

    /// How much of what a worker writes is kept.
    private static let kept = 8192

    /// - Parameter descriptors: what it gets beside its standard streams, as 3, 4 and so on.
    /// - Throws: the system's error number when the program cannot be started.
    init(
        _ program: WorkerProgram, arguments: [String], variables: [String: String], descriptors: [Int32] = []
    ) throws(StartError) {
        let words = [program.executable] + program.arguments + arguments
        let settings = Self.environment(adding: program.variables.merging(variables) { $1 })
        let started = LaunchThread.run { () -> (code: Int32, pid: pid_t, output: Int32) in
            var words: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
            var settings: [UnsafeMutablePointer<CChar>?] = settings.map { strdup($0) } + [nil]
            defer { for word in words + settings { free(word) } }
            var (pid, output): (pid_t, Int32) = (0, -1)
            let code = apus_spawn(words[0], &words, &settings, descriptors, Int32(descriptors.count), &pid, &output)
            return (code, pid, output)
        }
        guard started.code == 0 else { throw StartError(code: started.code) }
        (pid, outputDescriptor) = (started.pid, started.output)
    }

    struct StartError: Error {
        let code: Int32
        var description: String { String(cString: strerror(code)) }
    }

    deinit {
        kill()
        if let outputDescriptor { close(outputDescriptor) }
    }

    private static func environment(adding variables: [String: String]) -> [String] {
        var settings: [String] = []
        var next = environ
        while let setting = next.pointee {
            let text = String(cString: setting)
            if variables[String(text.prefix { $0 != "=" })] == nil { settings.append(text) }
            next += 1
        }
        return settings + variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    /// Takes what the worker has written, so that it never waits for a reader.
    func drain() {
        guard let descriptor = outputDescriptor else { return }
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            while true {
                let count = read(descriptor, buffer.baseAddress, buffer.count)
                if count > 0 {
                    output += buffer[..<count]
                    if output.count > 2 * Self.kept { output.removeFirst(output.count - Self.kept) }
                    continue
                }
                if count < 0, errno == EINTR { continue }
                if count == 0 || errno != EAGAIN {
                    close(descriptor)
                    outputDescriptor = nil
                }
                return
            }
        }
    }

    /// How the worker ended; nil while it runs.
    func ended() -> String? {
        if exit != nil { return exit }
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let (number, code) = (status & 0x7f, (status >> 8) & 0xff)
        exit = number == 0 ? "ended with exit code \(code)" : "was killed by signal \(number) (\(String(cString: strsignal(number))))"
        return exit
    }

    /// Ends the worker and all that it has started, and waits until it is gone.
    func kill() {
        Glibc.kill(-pid, SIGKILL)
        guard exit == nil else { return }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        exit = "was killed"
    }

    /// All that it wrote, once it has ended; nil when it has not by `deadline`.
    func text(by deadline: Time) -> String? {
        while outputDescriptor != nil || ended() == nil {
            guard Time.now < deadline else { return nil }
            Poll.wait(sockets: [], descriptors: outputDescriptor.map { [$0] } ?? [], milliseconds: 20)
            drain()
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// The last lines that it wrote.
    func lastLines(_ count: Int) -> [String] {
        drain()
        return String(decoding: output, as: UTF8.self).split(whereSeparator: \.isNewline).suffix(count).map { $0.prefix(300).description }
    }
}
