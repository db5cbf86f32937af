import Glibc
import Platform

/// The system's sshd on loopback with keys and settings of its own, and one user's key that it takes: this user's.
final class SSHServer {
    private static let program = "/usr/sbin/sshd"
    static let isAvailable = Files.exists(program) && Files.exists("/usr/bin/ssh-keygen")

    let port: UInt16
    private let scene: Scene
    private let server: Launched

    init(_ scene: Scene) throws {
        self.scene = scene
        port = try scene.freePort()
        let folder = scene.folder
        for name in ["host", "user", "stranger"] {
            try Self.finish("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/\(name)"], scene)
        }
        let hostKey = String(decoding: try Files.read("\(folder)/host.pub"), as: UTF8.self)
        try Files.write(Array("[127.0.0.1]:\(port) \(hostKey)".utf8), to: "\(folder)/known")
        try Files.write(
            Array(
                """
                Port \(port)
                ListenAddress 127.0.0.1
                HostKey \(folder)/host
                AuthorizedKeysFile \(folder)/user.pub
                UsePAM no
                StrictModes no
                PasswordAuthentication no
                PermitRootLogin yes
                PidFile none

                """.utf8), to: "\(folder)/sshd_config")
        // As root, sshd wants this folder; the system makes it where it starts sshd itself.
        if getuid() == 0 { try Files.createDirectory("/run/sshd") }
        server = try scene.start(Self.program, ["-D", "-e", "-f", "\(folder)/sshd_config"])
        try eventually("sshd listens", within: 20) { !Loopback.isFree(port) }
    }

    /// What `apus spawn` needs to get here.
    func options(key: String = "user") -> [String] {
        ["Port=\(port)", "IdentityFile=\(scene.folder)/\(key)", "IdentitiesOnly=yes", "UserKnownHostsFile=\(scene.folder)/known"]
            .flatMap { ["--ssh-option", $0] }
    }

    /// Cuts the connections that there are; new ones are taken.
    func cut() {
        for entry in ProcessTable.all where entry.parent == server.pid { kill(entry.pid, SIGKILL) }
    }

    func stop() throws {
        cut()
        server.signal(SIGTERM)
        try server.wait(within: 10)
    }

    private static func finish(_ program: String, _ arguments: [String], _ scene: Scene) throws {
        let launched = try scene.start(program, arguments)
        guard try launched.wait(within: 20) == .code(0) else { throw Trouble("\(program) failed. \(launched.said)") }
    }
}
