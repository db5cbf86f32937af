import Glibc
import Platform

/// Which Python runs the environments: `$APUS_PYTHON`, the one of an active virtual environment, or `python3`.
public enum PythonInstallation {
    /// The interpreter's path.
    ///
    /// - Throws: `WorkerError` with the command that installs one.
    public static func find() throws(WorkerError) -> String {
        if let chosen = variable("APUS_PYTHON") {
            if let path = WorkerProgram.find(chosen) { return path }
            throw WorkerError(
                problem: "there is no program \"\(chosen)\"", place: "$APUS_PYTHON",
                remedy: "Set it to the path of a Python 3.9 or newer, or unset it for the python3 in $PATH.")
        }
        if let folder = variable("VIRTUAL_ENV"), let path = WorkerProgram.find("\(folder)/bin/python") { return path }
        if let path = WorkerProgram.find("python3") { return path }
        throw WorkerError(
            problem: "there is no python3", place: "$PATH",
            remedy: "apt-get install python3 python3-pip, or set APUS_PYTHON to the path of a Python 3.9 or newer.")
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else { return nil }
        return value
    }

    /// Apus's own worker, run by that Python.
    static func worker() throws(WorkerError) -> WorkerProgram {
        script(try find(), ["-m", PythonWorkerFiles.package])
    }

    /// Any program of that Python. It finds the package of our worker too, whose `serve` spares it the protocol.
    static func script(_ python: String, _ arguments: [String]) -> WorkerProgram {
        var variables = ["PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "PYGAME_HIDE_SUPPORT_PROMPT": "1"]
        // Environments step on one core each, like actors: several libraries would otherwise start a thread for every core.
        if getenv("OMP_NUM_THREADS") == nil { variables["OMP_NUM_THREADS"] = "1" }
        var program = WorkerProgram(executable: python, arguments: arguments, variables: variables)
        program.files = PythonWorkerFiles.all.map { ("\(PythonWorkerFiles.package)/\($0.name)", $0.text) }
        program.searchPath = "PYTHONPATH"
        program.remedy = { output in
            guard let module = output.last?.firstMatch(of: /No module named '([A-Za-z0-9_]+)/) else { return nil }
            let packages = ["zmq": "pyzmq numpy", "numpy": "numpy pyzmq"]
            return "\(python) -m pip install \(packages["\(module.1)"] ?? "\(module.1)")"
        }
        return program
    }
}
