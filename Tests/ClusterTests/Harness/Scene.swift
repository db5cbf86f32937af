import Glibc
import Platform
import Runs
import Testing

/// A scenario with real processes: a folder of its own, what is started in it, and at its end the proof that nothing of it is left.
final class Scene {
    let folder: String
    private(set) var processes: [Launched] = []
    private var ports: [UInt16] = []

    /// The folder of the run directories.
    var runs: String { "\(folder)/runs" }
    /// Where `apus` makes its folder for unix sockets.
    var runtime: String { "\(folder)/sockets" }

    fileprivate init() throws {
        folder = "/tmp/apus-scene-\(getpid())-\(UInt16.random(in: 0 ... .max))"
        try Files.createDirectory(folder)
        try Files.createDirectory("\(folder)/sockets")
    }

    func start(_ program: Program, _ arguments: [String]) throws -> Launched {
        var environment: [String] = []
        var pointer = environ
        while let word = pointer.pointee {
            environment.append(String(cString: word))
            pointer += 1
        }
        environment.removeAll { $0.hasPrefix("XDG_RUNTIME_DIR=") }
        let name = "\(program.rawValue)-\(processes.count)"
        let launched = try Launched(
            name, program: program.path(), arguments: arguments, environment: environment + ["XDG_RUNTIME_DIR=\(runtime)"],
            files: "\(folder)/\(name)")
        processes.append(launched)
        return launched
    }

    /// Runs a program to its end.
    func finish(_ program: Program, _ arguments: [String], within seconds: Double = 30) throws -> (exit: Launched.Exit, output: String, errors: String) {
        let launched = try start(program, arguments)
        let exit = try launched.wait(within: seconds)
        return (exit, launched.output, launched.errors)
    }

    /// A tcp port of 127.0.0.1 that nobody listens on, and that must be free again at the end.
    func freePort() throws -> UInt16 {
        let port = try Loopback.anyFreePort()
        ports.append(port)
        return port
    }

    /// The processes of this scene, whoever started them: their arguments name its folder.
    var living: [ProcessTable.Entry] {
        ProcessTable.all.filter { entry in entry.arguments.dropFirst().contains { $0.contains(folder) } }
    }

    fileprivate func killAll() {
        for process in processes {
            process.signal(SIGCONT)
            process.killNow()
        }
        for entry in living { kill(entry.pid, SIGKILL) }
    }

    /// Nothing is left: no process, no socket file, no port.
    func expectNothingLeft() throws {
        for process in processes where process.poll() == nil { Issue.record("\(process.name) still runs. \(process.said)") }
        // A child dies a moment after its parent.
        try? eventually("every process ends", within: 3) { living.isEmpty }
        for entry in living { Issue.record("process \(entry.pid) is left: \(entry.arguments.joined(separator: " "))") }
        #expect(try Files.list(runtime) == [])
        for port in ports { #expect(Loopback.isFree(port), "somebody still listens on port \(port)") }
    }

    /// What everybody said, for a person who reads why a test failed.
    fileprivate var said: String {
        let logs = (try? Files.list(runs))?.flatMap { run in
            ((try? Files.list("\(runs)/\(run)/log")) ?? []).map { name in
                let text = (try? Files.read("\(runs)/\(run)/log/\(name)")).map { String(decoding: $0, as: UTF8.self) } ?? ""
                return "--- \(run)/log/\(name)\n\(text.suffix(3000))"
            }
        }
        return (processes.map { "--- \($0.name)\n\($0.output.suffix(2000))\($0.errors.suffix(3000))" } + (logs ?? [])).joined(separator: "\n")
    }
}

/// Plays a scenario, ends everything that is left of it, and removes its folder.
func scene(_ body: (Scene) throws -> Void) throws {
    let scene = try Scene()
    defer {
        scene.killAll()
        try? Files.remove(scene.folder)
    }
    do {
        try body(scene)
        try scene.expectNothingLeft()
    } catch {
        Issue.record("\(error)\n\(scene.said)")
    }
}

/// Waits until `condition` holds.
func eventually(_ what: String, within seconds: Double, _ condition: () throws -> Bool) throws {
    let deadline = Time.now + seconds
    while Time.now < deadline {
        if try condition() { return }
        usleep(5000)
    }
    guard try condition() else { throw Trouble("not within \(seconds) s: \(what)") }
}

/// Ports of 127.0.0.1.
enum Loopback {
    static func anyFreePort() throws -> UInt16 {
        guard let port = bound(to: 0) else { throw Trouble("no free port: \(String(cString: strerror(errno)))") }
        return port
    }

    /// Whether somebody could listen there now.
    static func isFree(_ port: UInt16) -> Bool { bound(to: port) != nil }

    /// Listens for a moment; the port, or nil when that was not possible.
    private static func bound(to port: UInt16) -> UInt16? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        // Connections that are closing do not count, as for every server.
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
                guard bind(descriptor, general, size) == 0, listen(descriptor, 1) == 0, getsockname(descriptor, general, &size) == 0 else {
                    return nil
                }
                return UInt16(bigEndian: pointer.pointee.sin_port)
            }
        }
    }
}
