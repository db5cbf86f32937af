import Glibc
import Platform
import Runs
import Testing

/// Hosts on this machine: network namespaces with addresses and names of their own, joined by a switch in one more namespace. Nothing of the
/// machine's own network is touched, and all of it is removed at the end.
final class Hosts {
    /// Making namespaces needs root, and a container may forbid it even then: so it is tried.
    static let canBeMade: Bool = {
        guard geteuid() == 0, let hosts = try? Hosts(["a"]) else { return false }
        defer { hosts.remove() }
        return true
    }()

    private let prefix = "apus-\(getpid())-\(UInt16.random(in: 0 ... .max))"
    private var names: [String] = []

    init(_ names: [String]) throws {
        do {
            try ip(["netns", "add", space("switch")])
            self.names = ["switch"]
            try ip(["link", "add", "bridge", "type", "bridge"], on: "switch")
            try ip(["link", "set", "bridge", "up"], on: "switch")
            for (index, name) in names.enumerated() {
                try ip(["netns", "add", space(name)])
                self.names.append(name)
                try ip(["link", "add", "port\(index)", "type", "veth", "peer", "name", "eth0", "netns", space(name)], on: "switch")
                try ip(["link", "set", "port\(index)", "master", "bridge", "up"], on: "switch")
                try ip(["address", "add", "\(address(of: name))/24", "dev", "eth0"], on: name)
                try ip(["link", "set", "eth0", "up"], on: name)
                try ip(["link", "set", "lo", "up"], on: name)
            }
        } catch {
            remove()
            throw error
        }
    }

    func remove() {
        for name in names { try? ip(["netns", "delete", space(name)]) }
        names = []
    }

    func address(of name: String) -> String { "10.219.77.\(names.firstIndex(of: name)!)" }

    /// The words to start a program with, so that it runs on a host.
    func prefix(on name: String) -> [String] {
        ["netns", "exec", space(name), "unshare", "--uts", "sh", "-c", "hostname \"$0\" && exec \"$@\"", name]
    }

    // MARK: The network

    /// Pulls the cable of a host, or puts it back.
    func plug(_ name: String, _ isIn: Bool) throws {
        try ip(["link", "set", port(name), isIn ? "up" : "down"], on: "switch")
    }

    /// Lets nothing through between two hosts, without a word to either: the switch keeps isolated ports apart from each other.
    func silence(_ a: String, _ b: String, _ isSilent: Bool) throws {
        for name in [a, b] { try ip(["link", "set", port(name), "type", "bridge_slave", "isolated", isSilent ? "on" : "off"], on: "switch") }
    }

    private func port(_ name: String) -> String { "port\(names.firstIndex(of: name)! - 1)" }

    // MARK: Commands

    private func space(_ name: String) -> String { "\(prefix)-\(name)" }

    private func ip(_ arguments: [String], on name: String? = nil) throws {
        try Self.finish("ip", name.map { ["netns", "exec", space($0), "ip"] + arguments } ?? arguments)
    }

    private static func finish(_ program: String, _ arguments: [String]) throws {
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in [STDOUT_FILENO, STDERR_FILENO] { posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0) }
        var (pid, status) = (pid_t(0), Int32(0))
        guard posix_spawnp(&pid, program, &actions, nil, &words, environ) == 0, waitpid(pid, &status, 0) == pid, status == 0 else {
            throw Trouble("\(program) \(arguments.joined(separator: " ")) has failed (\(status >> 8))")
        }
    }
}

/// A run whose programs are on hosts of their own: one for the coordinator, one for the learner, and each actor on one.
struct HostedRun {
    let scene: Scene
    let hosts: Hosts
    let directory: RunDirectory
    private let settings: [String]

    init(_ scene: Scene, _ hosts: Hosts, _ settings: [String]) {
        (self.scene, self.hosts, self.settings) = (scene, hosts, settings)
        directory = RunDirectory(path: "\(scene.runs)/run")
    }

    private var coordinator: String { "tcp://\(hosts.address(of: "coordinator")):7700" }

    /// Starts a role on the host of this name.
    func start(_ program: Program, on host: String) throws -> Launched {
        let arguments =
            switch program {
            case .coordinator where Files.exists(directory.spec): ["--run", directory.path, "--bind", coordinator, "--insecure"]
            case .coordinator: ["--run", "cartpole", "--runs", scene.runs, "--name", "run", "--bind", coordinator, "--insecure"] + settings
            case .learner: ["--coordinator", coordinator, "--runs", scene.runs, "--bind", hosts.address(of: host), "--insecure"]
            case .actor: ["--coordinator", coordinator, "--slots", "8"]
            case .apus: preconditionFailure("apus is no role")
            }
        return try scene.start("/sbin/ip", hosts.prefix(on: host) + [program.path()] + arguments)
    }
}

/// Plays a scenario on hosts of these names.
func hosted(_ names: [String], _ settings: [String] = [], _ body: (HostedRun) throws -> Void) throws {
    try scene { scene in
        let hosts = try Hosts(names)
        defer { hosts.remove() }
        try body(HostedRun(scene, hosts, endless(frames: 1_000_000_000) + settings))
    }
}

extension HostedRun {
    /// Starts a coordinator, a learner and actors on the hosts of their names, and waits until they train.
    func startAll(actors: [String]) throws -> [String: Launched] {
        var members = ["coordinator": try start(.coordinator, on: "coordinator")]
        members["learner"] = try start(.learner, on: "learner")
        for actor in actors { members[actor] = try start(.actor, on: actor) }
        try directory.expectProgress(20_000)
        return members
    }

    /// Ends the run, which must be sound then, with nothing lost but what was of `killed` actors.
    func finish(_ members: [String: Launched], losing: Bool = false) throws {
        members["coordinator"]!.signal(SIGTERM)
        try expectDone(Array(members.values))
        let ledger = try LedgerCheck.run(directory.ledger)
        #expect(ledger.isSound && ledger.state.open == 0, "\(ledger.text)")
        #expect(losing || ledger.state.totals.lost == 0, "\(ledger.text)")
        let result = try #require(try RunResult.read(from: directory))
        #expect(result.version == ledger.state.version)
    }

    /// Seconds until a rollout is trained on.
    func secondsToTraining(within limit: Double) throws -> Double {
        var tail = LedgerTail(directory.ledger)
        _ = try tail.newlyTrained()
        let start = Time.now
        try eventually("somebody trains", within: limit) { try tail.newlyTrained() > 0 }
        return Time.now - start
    }

    /// The longest time without an update in so many seconds.
    func longestPause(during seconds: Double) throws -> Double {
        var watch = TrainingWatch(directory)
        return try watch.longestPause(during: seconds)
    }

    /// Seconds until the coordinator has written this.
    func secondsUntil(_ coordinator: Launched, says text: String, within limit: Double) throws -> Double {
        let start = Time.now
        try eventually("the coordinator says: \(text)", within: limit) { (coordinator.output + coordinator.errors).contains(text) }
        return Time.now - start
    }
}

/// Looks at how a run trains from outside: at its ledger.
struct TrainingWatch {
    private var tail: LedgerTail
    private var hasBegun = false

    init(_ directory: RunDirectory) { tail = LedgerTail(directory.ledger) }

    /// The longest time without an update in so many seconds; before the very first update, nobody expects one.
    mutating func longestPause(during seconds: Double) throws -> Double {
        let end = Time.now + seconds
        var (last, longest) = (Time.now, 0.0)
        while Time.now < end {
            if try tail.newlyTrained() > 0 { (hasBegun, last) = (true, .now) }
            if !hasBegun { last = .now }
            longest = max(longest, Time.now - last)
            usleep(5000)
        }
        return longest
    }
}
