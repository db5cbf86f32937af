import CMuJoCo

/// MuJoCo as it was found on this machine.
public struct MuJoCoStatus: Sendable, Hashable {
    /// Where the library lies; a bare name when the system's loader found it.
    public let path: String
    /// "4.0.0"
    public let version: String
}

/// The physics library MuJoCo (Todorov, Erez & Tassa, 2012), loaded when it is first needed: Apus builds and runs without it.
public enum MuJoCo {
    /// What `apus doctor` asks: the library in use, or why there is none and the command that installs it.
    public static var status: Result<MuJoCoStatus, EnvironmentError> {
        MuJoCoLibrary.shared.map { MuJoCoStatus(path: $0.path, version: $0.version) }
    }
}

/// libmujoco 3.2 or newer.
package final class MuJoCoLibrary: Sendable {
    /// The process's one library; searched once.
    static let shared = Result { () throws(EnvironmentError) in try MuJoCoLibrary(.process) }

    /// Its functions may be called from any thread; what is behind the pointer never changes.
    nonisolated(unsafe) let handle: OpaquePointer
    let path: String
    var version: String { String(cString: apus_mujoco_version(handle)) }

    package init(_ search: MuJoCoSearch) throws(EnvironmentError) {
        let chosen = search.chosen
        if let chosen, chosen.libraries.isEmpty { throw EnvironmentError(noMuJoCoAt: chosen.path) }
        // The last candidate is a bare name, whose failure only says that there is none: a file that does not load is worth telling.
        var broken: (path: String, cause: String)?
        for path in chosen?.libraries ?? search.libraries {
            switch Self.open(path) {
            case .success(let handle):
                self.handle = handle
                self.path = path
                return
            case .failure(let cause):
                if path.contains("/") && broken == nil { broken = (path, cause.text) }
            }
        }
        if let broken { throw EnvironmentError(unusableMuJoCo: broken.path, cause: broken.cause) }
        throw EnvironmentError.noMuJoCo
    }

    private struct Cause: Error { let text: String }

    private static func open(_ path: String) -> Result<OpaquePointer, Cause> {
        var text = [CChar](repeating: 0, count: 512)
        guard let handle = apus_mujoco_open(path, &text, text.count) else { return .failure(Cause(text: message(text))) }
        return .success(handle)
    }

    /// A message that C wrote, on one line.
    static func message(_ text: [CChar]) -> String {
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

extension EnvironmentError {
    private static let installation = "Install it with: pip install mujoco (3.2 or newer)"

    static let noMuJoCo = EnvironmentError(
        problem: "the physics library MuJoCo (libmujoco) is missing", place: "the Python packages and the libraries of this machine",
        remedy: "\(installation), for the Python of APUS_PYTHON, VIRTUAL_ENV or PATH; or set MUJOCO_PATH to the folder that holds it.")

    init(noMuJoCoAt path: String) {
        self.init(
            problem: "there is no libmujoco.so at \"\(path)\"", place: "MUJOCO_PATH",
            remedy: "Set it to the library or to the folder that holds it, or unset it. \(Self.installation).")
    }

    init(unusableMuJoCo path: String, cause: String) {
        self.init(problem: "this libmujoco cannot be used: \(cause)", place: path, remedy: "\(Self.installation).")
    }
}
