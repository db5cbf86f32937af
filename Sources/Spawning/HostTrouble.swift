import Platform

/// Why nothing runs on a host.
public struct HostTrouble: Remediable, Equatable {
    public let problem: String
    public let place: String
    public let remedy: String

    /// What a host has reported; `said` is what its programs wrote besides.
    static func reported(_ report: HostReport, on plan: HostPlan, script: HostScript, said: String) -> HostTrouble? {
        func trouble(_ problem: String, _ remedy: String) -> HostTrouble { HostTrouble(problem: problem, place: plan.destination, remedy: remedy) }
        switch report {
        case .wrongMachine(let machine):
            return trouble(
                "this host is \(machine), the program is for \(script.machine)",
                "Build Apus on a machine of that kind and spawn from there, or name a program for it with --program.")
        case .noFolder(let folder):
            return trouble("cannot write in \(folder): \(lastLine(said))", "Name a folder that is writable there: --folder, or the key folder of the inventory.")
        case .noSpace(let kilobytes):
            return trouble(
                "no space: \(kilobytes / 1024) MB are free there, the program has \(script.programBytes >> 20) MB",
                "Free space there, or name another folder with --folder.")
        case .torn(let kilobytes):
            return trouble("the program did not arrive whole; \(kilobytes / 1024) MB are free there", "Look for a full disk or a quota there, and spawn again.")
        case .cannotStart(let code): return cannotStart(code, said, trouble)
        default: return nil
        }
    }

    /// The loader's words, turned into what to install.
    private static func cannotStart(_ code: Int, _ said: String, _ trouble: (String, String) -> HostTrouble) -> HostTrouble {
        if let range = said.firstRange(of: "error while loading shared libraries: ") {
            let library = String(said[range.upperBound...].prefix { $0 != ":" })
            if let package = packages[library] {
                return trouble(
                    "\(library) is missing there",
                    "Run there: apt-get install \(package). Or build a program that needs nothing: make actor")
            }
            return trouble("\(library) is missing there", "Install the package that holds it, or build a program that needs nothing: make actor")
        }
        if let range = said.firstRange(of: "version `GLIBC_") {
            let version = String(said[range.upperBound...].prefix { $0 != "'" })
            return trouble("the C library there is older than \(version)", "Build Apus on the oldest system among your hosts, or bring this one up to date.")
        }
        if code == 126 || said.contains("Exec format error") {
            return trouble("the program may not be executed there: \(lastLine(said))", "Name a folder that is not mounted noexec with --folder, and a program for that machine with --program.")
        }
        return trouble("the program does not start there (exit code \(code)): \(lastLine(said))", "Mend what it says, then spawn again.")
    }

    /// Debian's packages.
    private static let packages = [
        "libzmq.so.5": "libzmq5", "libopenblas.so.0": "libopenblas0", "libprotobuf-c.so.1": "libprotobuf-c1", "libbox2d.so.2": "libbox2d2",
        "libsodium.so.23": "libsodium23", "libstdc++.so.6": "libstdc++6", "libgcc_s.so.1": "libgcc-s1",
        "libgfortran.so.5": "libgfortran5", "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    ]

    /// Why ssh itself gave up.
    static func connection(to plan: HostPlan, code: Int32, said: String) -> HostTrouble {
        func trouble(_ problem: String, _ remedy: String) -> HostTrouble { HostTrouble(problem: problem, place: plan.destination, remedy: remedy) }
        let last = lastLine(said)
        let manually = "ssh \(plan.port.map { "-p \($0) " } ?? "")\(Shell.quoted(plan.destination))"
        if said.contains("Permission denied") {
            return trouble("permission denied: \(last)", "Spawning asks for no password: put your public key there with: ssh-copy-id \(Shell.quoted(plan.destination))")
        }
        if said.contains("Host key verification failed") || said.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") {
            return trouble("its host key is not the one that is known, or none is", "Connect once by hand and look at the key: \(manually)")
        }
        if said.contains("Could not resolve hostname") { return trouble("there is no host of this name: \(last)", "Correct the name, or put it into ~/.ssh/config.") }
        for reason in ["Connection refused", "No route to host", "Network is unreachable", "timed out"] where said.contains(reason) {
            return trouble("cannot be reached: \(last)", "Check that it is up and that sshd listens there: \(manually)")
        }
        if said.contains("No space left on device") { return trouble("no space: \(last)", "Free space there, or name another folder with --folder.") }
        return trouble("ssh ended with exit code \(code): \(last)", "Try it by hand: \(manually)")
    }

    static func lastLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }.map(String.init) ?? "no reason was given"
    }
}
