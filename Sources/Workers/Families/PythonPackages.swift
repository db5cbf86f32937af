import Platform

/// What the Python that runs environments has installed.
public struct PythonPackages: Sendable {
    public let python: String
    /// Of Python itself: "3.11.2".
    public let version: String
    /// By package; those that are missing are not in it.
    public let versions: [String: String]

    private static let script = """
        import sys
        from importlib.metadata import PackageNotFoundError, version
        print("Python", sys.version.split()[0])
        for package in sys.argv[1:]:
            try:
                print(package, version(package))
            except PackageNotFoundError:
                pass
        """

    /// Asks the Python that `PythonInstallation` finds.
    ///
    /// - Throws: `WorkerError` when there is none, or it does not answer.
    public init(_ packages: [String]) throws(WorkerError) {
        let python = try PythonInstallation.find()
        let program = WorkerProgram(executable: python, arguments: ["-c", Self.script])
        func broken(_ how: String) -> WorkerError {
            WorkerError(
                problem: "\(python) \(how)", place: "Python",
                remedy: "Set APUS_PYTHON to the path of a Python 3.9 or newer that runs.")
        }
        let process: WorkerProcess
        do {
            process = try WorkerProcess(program, arguments: packages, variables: [:])
        } catch {
            throw broken("does not start: \(error.description)")
        }
        guard let text = process.text(by: .now + 20) else { throw broken("does not answer for 20 s") }
        var versions: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2 { versions[String(words[0])] = String(words[1]) }
        }
        guard let version = versions.removeValue(forKey: "Python") else { throw broken("answers: \(text.prefix(200))") }
        (self.python, self.version, self.versions) = (python, version, versions)
    }
}
