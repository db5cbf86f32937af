import Platform
import Workers

/// Python and its packages, which only environments outside this program need.
enum Python {
    /// By package: what it is for.
    private static let packages = [
        ("numpy", "every environment in Python"), ("pyzmq", "every environment in Python"),
        ("gymnasium", "gymnasium:…"), ("ale-py", "Atari games (gymnasium:ALE/…)"), ("mujoco", "MuJoCo's environments"),
        ("pettingzoo", "games of several agents (pettingzoo:…)"),
    ]

    static var findings: [Finding] {
        do {
            let found = try PythonPackages(packages.map(\.0))
            return [.fine("Python", "\(found.version) (\(found.python))")]
                + packages.map { package, purpose in
                    guard let version = found.versions[package] else {
                        return .warning(package, "missing: \(purpose)", remedy: "\(found.python) -m pip install \(package)")
                    }
                    return .fine(package, version)
                }
        } catch {
            return [.warning("Python", "\(error.problem) (\(error.place)): environments in Python do not run", remedy: error.remedy)]
        }
    }
}
