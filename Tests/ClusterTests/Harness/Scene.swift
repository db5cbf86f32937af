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

    /// - Parameter through: a program that becomes this one, and its arguments before the path of this one.
    func start(
        _ program: Program, _ arguments: [String], environment changes: [String] = [], terminal: String? = nil,
        through: (program: String, arguments: [String])? = nil
    ) throws -> Launched {
        let path = try through?.program ?? program.path()
        let words = try (through.map { try $0.arguments + [program.path()] } ?? []) + arguments
        return try start(path, words, name: program.rawValue, environment: changes, terminal: terminal)
    }

    /// - Parameters:
    ///   - path: of any program.
    ///   - changes: of the environment, as NAME=VALUE.
    ///   - terminal: what it reads from and writes to, instead of files.
    func start(
        _ path: String, _ arguments: [String], name: String? = nil, environment changes: [String] = [], terminal: String? = nil
    ) throws -> Launched {
        var environment = changes
        var pointer = environ
        while let word = pointer.pointee {
            environment.append(String(cString: word))
            pointer += 1
        }
        environment.removeAll { $0.hasPrefix("XDG_RUNTIME_DIR=") }
        let name = "\(name ?? path.split(separator: "/").last.map(String.init) ?? "program")-\(processes.count)"
        let launched = try Launched(
            name, program: path, arguments: arguments, environment: environment + ["XDG_RUNTIME_DIR=\(runtime)"], files: "\(folder)/\(name)",
            terminal: terminal)
        processes.append(launched)
        return launched
    }

    typealias End = (exit: Launched.Exit, output: String, errors: String)

    /// Runs a program to its end.
    func finish(_ program: Program, _ arguments: [String], within seconds: Double = 30) throws -> End {
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
        try? eventually("every process ends", within: 15) { living.isEmpty }
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
        let outputs = processes.map { "--- \($0.name)\n\($0.output.suffix(2000))\($0.errors.suffix(3000))" }
        return (outputs + (logs ?? [])).joined(separator: "\n")
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
