import ArgumentParser
import Coordinating
import Glibc
import Platform
import Runs
import Spawning
import Wire

struct SpawnCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spawn", abstract: "Starts actors on other hosts: over ssh, by Slurm, or on Kubernetes.",
        discussion: """
            Over ssh: copies one program to each host (once, until it changes), starts what is missing, shows what the actors say, starts again what dies, \
            comes back when a connection is cut. Ctrl-C ends the actors; twice leaves them running. Exit codes: 0 all have left, been stopped \
            or (--detach) been started, 1 some host failed: the others go on.

            By Slurm: apus spawn --slurm -n 64 --coordinator tcp://HOST:7700 submits an array of jobs; with --print it only prints the script. \
            On Kubernetes: apus spawn --print kubernetes prints the manifests of a whole run.
            """)

    @Argument(help: ArgumentHelp("With --print: kubernetes.", valueName: "kind"))
    var kind: String?

    @Option(help: "The coordinator's address as the hosts reach it, for example tcp://HOST:7700.")
    var coordinator: String?

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The directory of the run, instead of the coordinator's address: it is found there.", valueName: "run-dir"))
    var directory: String?

    @Option(help: "Hosts and how many actors run on each, for example a,b:4,me@c:2.")
    var hosts: String?

    @Option(help: "A file (YAML) that lists the hosts; cluster/hosts.yaml is an example.")
    var inventory: String?

    @Option(help: "Environment instances in each actor, where the inventory does not say.")
    var slots: Int?

    @Option(help: "The folder on the hosts for program and logs, where the inventory does not say (default: ~/.cache/apus).")
    var folder: String?

    @Option(help: "The program to copy (default: what `make actor` has built, or apus-actor).")
    var program: String?

    @Option(name: .customLong("ssh-option"), help: ArgumentHelp("An option for every ssh, as after ssh -o.", valueName: "key=value"))
    var sshOptions: [String] = []

    @Option(help: "Hosts that are connected to at one time.")
    var atOnce = 16

    @Option(help: "The coordinator's key folder (apus keys new): each host gets an identity of its own, which is allowed there; default $APUS_KEYS, else none.")
    var keys: String?

    @Flag(help: "Come back when the actors are started, and leave them running.")
    var detach = false

    @Flag(help: "End the actors that run there.")
    var stop = false

    @Flag(help: "Print every command, and run none.")
    var dryRun = false

    @Flag(help: "Print what --slurm would submit, or the manifests for Kubernetes.")
    var print = false

    @Option(help: "With --print kubernetes: the image.")
    var image = KubernetesManifest().image

    @OptionGroup var slurm: SlurmOptions
    @OptionGroup var report: ReportOptions

    func validate() throws {
        if let kind {
            guard kind == "kubernetes" else {
                throw ValidationError("There is nothing to print of the name \(kind): write apus spawn --print kubernetes, or apus spawn --slurm -n 64 --print.")
            }
            guard print else { throw ValidationError("Manifests are only printed: apus spawn --print kubernetes | kubectl apply -f -") }
            return
        }
        guard !print || slurm.slurm else { throw ValidationError("--print goes with --slurm, or with the word kubernetes.") }
        guard (coordinator == nil) != (directory == nil) else { throw ValidationError("Give the coordinator's address with --coordinator, or a run with --run.") }
        guard !slurm.slurm || hosts == nil && inventory == nil else { throw ValidationError("Slurm chooses the hosts: leave out --hosts and --inventory.") }
        guard slurm.slurm || (hosts == nil) != (inventory == nil) else { throw ValidationError("Give the hosts with --hosts, or a file that lists them with --inventory.") }
        if let slots, !(1...65536).contains(slots) { throw ValidationError("--slots is \(slots), allowed are 1 to 65536.") }
        guard (1...1024).contains(atOnce) else { throw ValidationError("--at-once is \(atOnce), allowed are 1 to 1024.") }
        guard !(stop && detach) else { throw ValidationError("Give --stop or --detach, not both.") }
    }

    func run() throws {
        if kind != nil {
            var manifest = KubernetesManifest()
            manifest.image = image
            return Console.raw(manifest.text)
        }
        if slurm.slurm { return try submit() }
        var plans = try hosts.map(HostList.parse) ?? Inventory.load(inventory!)
        for index in plans.indices {
            plans[index].slots = plans[index].slots ?? slots
            plans[index].folder = plans[index].folder ?? folder
            plans[index].ssh += sshOptions.flatMap { ["-o", $0] }
        }
        let address = try CoordinatorAddress(coordinator: coordinator, run: directory, hosts: plans)
        let copied = try ActorProgram(program)
        if let warning = copied.warning { Console.error(warning) }
        let script = copied.script(coordinator: address)
        if dryRun { return Console.output(commands(plans, script, copied)) }

        let signals = Signals.take()
        let sockets = try RuntimeFolder()
        let width = plans.map(\.destination.count).max() ?? 0
        let toErrors = report.json
        let spawn = try HostSpawn(
            plans, keys: stop ? nil : KeyFolder.chosen(keys).map(HostKeys.init), program: copied.path, script: script, ssh: SSH(sockets: sockets.path), detached: detach, signals: signals, atOnce: atOnce
        ) { host, line in
            let text = host + String(repeating: " ", count: max(width - host.count, 0)) + "  " + line
            if toErrors { Console.error(text) } else { Console.output(text) }
        }
        let interrupted: Bool
        if stop {
            spawn.stop()
            interrupted = false
        } else {
            interrupted = spawn.run()
        }
        // The sockets' folder is needed until here.
        withExtendedLifetime(sockets) {}
        let result = SpawnResult(hosts: spawn.hosts, coordinator: address.text, interrupted: interrupted)
        if report.json { report.print("", json: result.json) }
        if !result.failed.isEmpty {
            Console.error("Error: \(result.failed.count) of \(plans.count) hosts failed: \(result.failed.joined(separator: ", "))")
            throw ExitCode(1)
        }
    }

    private func submit() throws {
        let address = try CoordinatorAddress(coordinator: coordinator, run: directory, hosts: [])
        // A cluster of this one machine is one, too.
        if address.isLocal { Console.error("warning: \(address.text) is this machine's loopback: no other node can reach it") }
        guard !address.isEverywhere else {
            throw SpawnError(
                problem: "the coordinator listens on every address", place: directory ?? "--coordinator",
                remedy: "Say by which one the nodes reach it: --coordinator tcp://HOST:\(address.port)")
        }
        // The nodes share a file system: all actors of the cluster have one identity there.
        let identity = try KeyFolder.chosen(keys).map { ["--keys", try SlurmOptions.absolute(HostKeys(authority: $0).folder(of: "slurm").path)] } ?? []
        let more = identity + (slots.map { ["--slots", "\($0)"] } ?? [])
        let script = try slurm.script(ActorProgram(program), coordinator: address.text, arguments: more)
        if print { return Console.raw(script.text) }
        let job = try slurm.submit(script)
        let json = JSON.object([.init("job", .string(job)), .init("count", .integer(script.count)), .init("logs", .string(script.logs))])
        report.print("job \(job): \(script.count) actors; logs in \(script.logs); scancel \(job) ends them", json: json)
    }

    /// What would be run, such that it can be pasted into a shell. It makes no identities and shows no secrets.
    private func commands(_ plans: [HostPlan], _ script: HostScript, _ program: ActorProgram) -> String {
        let ssh = SSH(sockets: nil)
        func fed(_ plan: HostPlan, _ text: String) -> String { "\(Shell.line(ssh.script(plan))) <<'APUS'\n\(text)APUS" }
        return plans.map { plan in
            if stop { return fed(plan, script.stop(plan)) }
            return """
                # \(plan.destination): start \(plan.count) actors, or tell where the program is missing
                \(fed(plan, script.begin(plan, incoming: nil, from: nil, detached: detach)))
                # where it is missing, it is copied to the path INCOMING that the host names; then the script runs again with it
                \(Shell.line(ssh.copy(plan, to: "INCOMING"))) <\(Shell.quoted(program.path))
                """
        }.joined(separator: "\n")
    }
}

/// The coordinator's address for actors on other hosts.
struct CoordinatorAddress {
    let text: String
    /// What the state folders on the hosts are named after.
    let key: String
    let port: UInt16
    /// It listens on every address of its host, and each host reaches it by the one that ssh came from.
    let isEverywhere: Bool
    let isLocal: Bool

    init(coordinator: String?, run: String?, hosts: [HostPlan]) throws {
        let endpoint = try coordinator.map { try Endpoint($0) } ?? StatusClient.coordinator(of: RunDirectory.open(run!))
        let place = run ?? "--coordinator"
        guard case .tcp(_, let port?) = endpoint.transport else {
            throw SpawnError(
                problem: "\(endpoint) cannot be reached from other hosts", place: place,
                remedy: "Start the run with a coordinator that listens on an address of the network: apus-coordinator --run RUN --bind tcp://ADDRESS:7700")
        }
        // Listening everywhere: each host answers to the address by which it sees this one.
        self.port = port
        (isEverywhere, isLocal) = (endpoint.isEverywhere, endpoint.isLocal)
        if endpoint.isLocal, let other = hosts.first(where: { !Self.isThisHost($0.host) }) {
            throw SpawnError(
                problem: "\(endpoint) is this host's own loopback, which \(other.host) cannot reach", place: place,
                remedy: "Start the coordinator with --bind tcp://ADDRESS:7700, an address of the network.")
        }
        text = isEverywhere ? "tcp://{client}:\(port)" : endpoint.description
        key = HostScript.key(coordinator: isEverywhere ? "\(ProcessIdentity.hostName)-\(port)" : endpoint.description)
    }

    private static func isThisHost(_ name: String) -> Bool { name == "localhost" || name == "::1" || name.hasPrefix("127.") }
}

struct SpawnError: Remediable {
    let problem: String
    let place: String
    let remedy: String
}
