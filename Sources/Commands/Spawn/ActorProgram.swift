import Glibc
import Platform
import Spawning

/// The program that is copied to the hosts.
struct ActorProgram {
    let path: String
    private let name: String
    private let bytes: Int
    private let digest: String
    private let words: [String]
    /// What a person should know of it.
    let warning: String?

    /// - Parameter path: instead of the one that lies beside this program.
    init(_ path: String?) throws {
        let own = try Files.readLink("/proc/self/exe")
        let beside = Files.parent(of: own)
        if let path {
            (self.path, words) = (path, [])
        } else if Roles.areInThisProgram {
            // Its environments and networks are in this program, and the actor is one of its commands.
            (self.path, words) = (own, ["actor"])
        } else {
            let candidates = ["\(beside)/apus-actor-portable", "\(beside)/apus-actor"]
            guard let found = candidates.first(where: Files.exists) else {
                throw SpawnError(problem: "apus-actor is missing", place: beside, remedy: "Build it with: make actor")
            }
            (self.path, words) = (found, [])
        }
        let other = "\(beside)/apus-actor"
        let isOld = try path == nil && Files.exists(other) && Files.modified(self.path) < Files.modified(other)
        warning = isOld ? "warning: \(self.path) is older than apus-actor: make actor builds it anew" : nil
        bytes = try Files.size(self.path)
        digest = try sha256(ofFile: self.path)
        let last = self.path.split(separator: "/").last.map(String.init) ?? "apus-actor"
        name = "\(last.hasPrefix("apus-actor") ? "apus-actor" : last)-\(digest.prefix(16))"
    }

    /// The words of an actor, but its options.
    var command: [String] { [path] + words }

    func script(coordinator: CoordinatorAddress) -> HostScript {
        HostScript(
            key: coordinator.key, programName: name, programBytes: bytes, digest: digest, machine: Self.machine, words: words,
            coordinator: coordinator.text)
    }

    /// What `uname -sm` says here.
    private static var machine: String {
        var names = utsname()
        uname(&names)
        func text<Field>(_ field: Field) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return "\(text(names.sysname)) \(text(names.machine))"
    }
}
