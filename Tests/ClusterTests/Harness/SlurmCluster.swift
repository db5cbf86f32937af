import Glibc
import Platform

/// A Slurm of its own on this machine: a controller, two nodes, and munge, which vouches for users.
final class SlurmCluster {
    private static let programs = ["/usr/sbin/munged", "/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/bin/sbatch"]
    static let isAvailable = getuid() == 0 && programs.allSatisfy(Files.exists)

    private let scene: Scene
    private let configuration: String
    private var daemons: [Launched] = []

    init(_ scene: Scene) throws {
        self.scene = scene
        let folder = "\(scene.folder)/slurm"
        configuration = "\(folder)/slurm.conf"
        for name in ["run", "state"] { try Files.createDirectory("\(folder)/\(name)") }
        chmod("\(folder)/run", 0o755)
        try Files.write((0..<128).map { _ in UInt8.random(in: 0 ... .max) }, to: "\(folder)/munge.key")
        chmod("\(folder)/munge.key", 0o400)
        let (control, first, second) = (try scene.freePort(), try scene.freePort(), try scene.freePort())
        let host = String(ProcessTable.hostName.prefix { $0 != "." })
        try Files.write(
            Array(
                """
                ClusterName=apus
                SlurmctldHost=\(host)(127.0.0.1)
                SlurmctldPort=\(control)
                AuthType=auth/munge
                AuthInfo=socket=\(folder)/run/munge.socket
                CredType=cred/munge
                SlurmUser=root
                SlurmdUser=root
                StateSaveLocation=\(folder)/state
                SlurmdSpoolDir=\(folder)/spool-%n
                SlurmctldPidFile=\(folder)/run/slurmctld.pid
                SlurmdPidFile=\(folder)/run/slurmd-%n.pid
                ProctrackType=proctrack/pgid
                TaskPlugin=task/none
                SwitchType=switch/none
                MpiDefault=none
                ReturnToService=2
                SlurmdParameters=config_overrides
                KillWait=5
                NodeName=n1 NodeHostname=\(host) NodeAddr=127.0.0.1 Port=\(first) CPUs=4 RealMemory=1000
                NodeName=n2 NodeHostname=\(host) NodeAddr=127.0.0.1 Port=\(second) CPUs=4 RealMemory=1000
                PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP

                """.utf8), to: configuration)
        start("/usr/sbin/munged", [
            "--foreground", "--force", "--key-file=\(folder)/munge.key", "--socket=\(folder)/run/munge.socket", "--pid-file=\(folder)/run/munge.pid",
            "--log-file=\(folder)/run/munge.log", "--seed-file=\(folder)/run/munge.seed",
        ])
        try eventually("munge listens", within: 20) { Files.exists("\(folder)/run/munge.socket") }
        start("/usr/sbin/slurmctld", ["-D", "-f", configuration])
        for node in ["n1", "n2"] { start("/usr/sbin/slurmd", ["-D", "-N", node, "-f", configuration]) }
        try eventually("both nodes are idle", within: 60) { try ask(["sinfo", "--noheader", "--states=idle", "--format=%D"]).contains("2") }
    }

    private func start(_ program: String, _ arguments: [String]) {
        if let daemon = try? scene.start(program, arguments) { daemons.append(daemon) }
    }

    /// A program that asks this Slurm.
    func ask(_ words: [String]) throws -> String {
        let launched = try scene.start("/usr/bin/env", ["SLURM_CONF=\(configuration)"] + words)
        try launched.wait(within: 30)
        return launched.output
    }

    /// How many of a job's tasks are in a state.
    func count(_ job: String, _ state: String) throws -> Int {
        try ask(["squeue", "--noheader", "--array", "--jobs=\(job)", "--states=\(state)", "--format=%i"]).split(separator: "\n").count
    }

    func stop() throws {
        for daemon in daemons.reversed() { daemon.signal(SIGTERM) }
        // A node that still tidies up after a job would wait for a minute.
        for daemon in daemons where (try? daemon.wait(within: 5)) == nil { daemon.killNow() }
    }
}
