import Glibc

/// Where libmujoco may lie: `MUJOCO_PATH` alone if it is set, else the Python package `mujoco` of the interpreters that a user may mean,
/// else the system.
package struct MuJoCoSearch: Sendable {
    /// The environment variables that are asked: MUJOCO_PATH, APUS_PYTHON, PYTHON, VIRTUAL_ENV, PATH, HOME.
    let variable: @Sendable (String) -> String?

    package init(variable: @escaping @Sendable (String) -> String?) { self.variable = variable }

    /// The variables of this process.
    static let process = MuJoCoSearch { name in getenv(name).map { String(cString: $0) } }

    /// What `MUJOCO_PATH` names, when it is set: the library, or a folder that holds it. Nothing else counts then.
    var chosen: (path: String, libraries: [String])? {
        guard let path = variable("MUJOCO_PATH"), !path.isEmpty else { return nil }
        let inside = ["", "/lib", "/bin", "/mujoco"].flatMap { Self.files("\(path)\($0)/libmujoco.so*") }
        return (path, Self.isFolder(path) ? inside : Self.files(path))
    }

    /// Paths in the order in which they are tried; a bare name is left to the system's loader.
    package var libraries: [String] { installed + ["libmujoco.so"] }

    private var installed: [String] {
        let packages = packageFolders.flatMap { Self.files("\($0)/mujoco/libmujoco.so*") }
        let home = variable("HOME").map { Self.files("\($0)/.mujoco/mujoco*/lib/libmujoco.so*") } ?? []
        return packages + home + Self.files("/usr/local/lib/libmujoco.so*")
    }

    /// The folders in which the interpreters' packages lie, as patterns. They are not asked themselves: starting one takes longer than
    /// everything else here.
    private var packageFolders: [String] {
        var folders: [String] = []
        for interpreter in interpreters {
            // A virtual environment's interpreter is a link; its packages lie beside the link.
            let prefixes = [interpreter, Self.resolved(interpreter)].map { Self.parent(Self.parent($0)) }
            for prefix in prefixes {
                folders += ["\(prefix)/lib/python3*/site-packages", "\(prefix)/lib/python3*/dist-packages"]
            }
            folders.append("\(prefixes[1])/local/lib/python3*/dist-packages")
        }
        if let home = variable("HOME") { folders.append("\(home)/.local/lib/python3*/site-packages") }
        return folders
    }

    private var interpreters: [String] {
        let named = [variable("APUS_PYTHON"), variable("PYTHON"), variable("VIRTUAL_ENV").map { "\($0)/bin/python" }, "python3"]
        return named.compactMap { $0 }.filter { !$0.isEmpty }.compactMap { name in
            if name.contains("/") { return name }
            let folders = (variable("PATH") ?? "").split(separator: ":")
            return folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
        }
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func resolved(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// What matches a pattern, the highest version first.
    private static func files(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }.reversed()
    }
}
