import Platform

/// The system's ssh, as it is called for a host.
public struct SSH: Sendable {
    /// ssh, or what stands in its place.
    public var program: String
    /// Where the sockets of shared connections lie; nil: every command connects anew.
    public var sockets: String?

    public init(program: String = "ssh", sockets: String?) {
        self.program = program
        self.sockets = sockets
    }

    /// The words before the command on the host.
    private func connection(_ plan: HostPlan) -> [String] {
        var words = [
            program, "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=2", "-o", "ServerAliveCountMax=3",
        ]
        if let sockets { words += ["-o", "ControlMaster=auto", "-o", "ControlPath=\(sockets)/\(Self.name(plan))", "-o", "ControlPersist=10"] }
        if let port = plan.port { words += ["-p", "\(port)"] }
        return words + plan.ssh
    }

    /// Short: a unix socket's path may not have more than 107 bytes, and ssh adds 17 for a while.
    private static func name(_ plan: HostPlan) -> String {
        CRC32C.hexadecimal(Array("\(plan.destination) \(plan.port ?? 22) \(plan.ssh)".utf8))
    }

    /// A script on its standard input runs on the host.
    public func script(_ plan: HostPlan) -> [String] { connection(plan) + ["--", plan.destination, "sh -s"] }

    /// What comes over its standard input goes into a file on the host.
    public func copy(_ plan: HostPlan, to path: String) -> [String] {
        connection(plan) + ["--", plan.destination, "cat >\(Shell.quoted(path))"]
    }

    /// Ends the shared connection.
    public func leave(_ plan: HostPlan) -> [String] { connection(plan) + ["-O", "exit", "--", plan.destination] }
}
