import Glibc
import Platform

/// A bare Debian 12 with nothing but sshd, in a network namespace behind a cable of its own: another host, as far as programs can tell.
final class BareHost {
    private static let programs = ["/usr/sbin/debootstrap", "/usr/sbin/ip", "/usr/sbin/sshd"]
    static let isAvailable =
        getuid() == 0 && getenv("APUS_LONG_TESTS") != nil && programs.allSatisfy(Files.exists)
        && Files.exists(Files.parent(of: (try? Files.readLink("/proc/self/exe")) ?? "/") + "/apus-actor-portable")

    private let scene: Scene
    private let name: String
    private let root: String
    private let network: String
    /// This side's address, and the bare host's.
    var here: String { "\(network).1" }
    var there: String { "\(network).2" }
    var key: String { "\(scene.folder)/key" }

    init(_ scene: Scene) throws {
        self.scene = scene
        let number = Int(getpid()) % 250 + 2
        (name, network, root) = ("apusbare\(number)", "10.83.\(number)", "\(scene.folder)/root")
        do {
            try make()
        } catch {
            remove()
            throw error
        }
    }

    private func make() throws {
        try run("/usr/sbin/debootstrap", ["--variant=minbase", "--include=openssh-server", "bookworm", root], within: 600)
        try run("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key])
        for folder in ["run/sshd", "root/.ssh"] { try Files.createDirectory("\(root)/\(folder)") }
        try Files.write(Files.read("\(key).pub"), to: "\(root)/root/.ssh/authorized_keys")
        try run("/usr/bin/mount", ["-t", "proc", "proc", "\(root)/proc"])
        try ip("netns", "add", name)
        try ip("link", "add", "\(name)a", "type", "veth", "peer", "name", "\(name)b", "netns", name)
        try ip("addr", "add", "\(here)/24", "dev", "\(name)a")
        try ip("link", "set", "\(name)a", "up")
        for words in [["addr", "add", "\(there)/24", "dev", "\(name)b"], ["link", "set", "\(name)b", "up"], ["link", "set", "lo", "up"]] {
            try run("/usr/sbin/ip", ["-n", name] + words)
        }
        _ = try scene.start("/usr/sbin/ip", [
            "netns", "exec", name, "chroot", root, "/usr/sbin/sshd", "-D", "-e", "-o", "UsePAM=no", "-o", "StrictModes=no", "-o", "PidFile=none",
        ])
        try eventually("sshd listens", within: 30) {
            let launched = try scene.start("/usr/bin/ssh-keyscan", ["-T", "2", there])
            try launched.wait(within: 20)
            return launched.output.contains("ssh-ed25519")
        }
    }

    private func run(_ program: String, _ arguments: [String], within seconds: Double = 30) throws {
        let launched = try scene.start(program, arguments)
        guard try launched.wait(within: seconds) == .code(0) else { throw Trouble("\(program) \(arguments) failed. \(launched.said)") }
    }

    private func ip(_ words: String...) throws { try run("/usr/sbin/ip", words) }

    /// Pulls the cable out, or puts it in again.
    func cable(_ isIn: Bool) throws { try ip("link", "set", "\(name)a", isIn ? "up" : "down") }

    func remove() {
        for entry in ProcessTable.all where (try? Files.readLink("/proc/\(entry.pid)/root")) == root { kill(entry.pid, SIGKILL) }
        usleep(200_000)
        try? run("/usr/bin/umount", ["-l", "\(root)/proc"])
        try? ip("link", "del", "\(name)a")
        try? ip("netns", "del", name)
    }
}
