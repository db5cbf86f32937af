import Environments
import Glibc
import Testing

/// A folder with empty files, removed at the end.
private final class Folder {
    let path: String
    /// What was made, parents before what lies in them.
    private var made: [String] = []

    init(_ files: [String]) {
        var template = Array("/tmp/apus-mujoco-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        made = [path]
        for file in files {
            var folder = path
            for part in file.split(separator: "/").dropLast() {
                folder += "/\(part)"
                if mkdir(folder, 0o755) == 0 { made.append(folder) }
            }
            made.append("\(path)/\(file)")
            close(open(made.last!, O_CREAT | O_WRONLY, 0o755))
        }
    }

    deinit { for path in made.reversed() { remove(path) } }
}

@Suite struct MuJoCoSearchTests {
    private func search(_ variables: [String: String]) -> MuJoCoSearch { MuJoCoSearch { variables[$0] } }

    @Test func findsThePackageOfThePythonThatIsMeant() {
        let folder = Folder([
            "bin/python", "path/python3", "lib/python3/dist-packages/mujoco/libmujoco.so.3.2.0",
            "lib/python3.11/site-packages/mujoco/libmujoco.so.3.3.7", "lib/python3.11/site-packages/mujoco/libmujoco.so.4.0.0",
        ])
        let package = "\(folder.path)/lib/python3.11/site-packages/mujoco"
        let meanings = [
            ["VIRTUAL_ENV": folder.path], ["APUS_PYTHON": "\(folder.path)/bin/python"], ["PATH": "/nowhere:\(folder.path)/path"],
        ]
        for variables in meanings {
            let found = search(variables).libraries.filter { $0.hasPrefix(folder.path) }
            #expect(found.first == "\(package)/libmujoco.so.4.0.0", "\(variables)")
            #expect(Set(found).contains("\(folder.path)/lib/python3/dist-packages/mujoco/libmujoco.so.3.2.0"))
        }
        // What the system's loader knows comes last.
        #expect(search([:]).libraries.last == "libmujoco.so")
    }

    @Test func aPathThatLeadsNowhereIsNamed() {
        do {
            _ = try MuJoCoLibrary(search(["MUJOCO_PATH": "/nowhere/at/all"]))
            Issue.record("a library was found in a folder that does not exist")
        } catch {
            #expect(error.place == "MUJOCO_PATH" && error.problem.contains("/nowhere/at/all"))
            #expect(error.remedy.contains("pip install mujoco"))
        }
    }

    @Test func aFileThatIsNoLibraryIsNamed() {
        let folder = Folder(["lib/libmujoco.so.3.9.9"])
        do {
            _ = try MuJoCoLibrary(search(["MUJOCO_PATH": folder.path]))
            Issue.record("an empty file was taken for a library")
        } catch {
            #expect(error.place == "\(folder.path)/lib/libmujoco.so.3.9.9" && error.remedy.contains("pip install mujoco"))
        }
    }

    /// Another library in its place: older ones miss functions in the same way.
    @Test func aLibraryWithoutTheFunctionsIsNamed() {
        do {
            _ = try MuJoCoLibrary(search(["MUJOCO_PATH": "/lib/x86_64-linux-gnu/libm.so.6"]))
            Issue.record("the C library's mathematics were taken for MuJoCo")
        } catch {
            #expect(error.remedy.contains("pip install mujoco"))
        }
    }

    @Test func theListKnowsThemWithoutTheLibrary() throws {
        for id in ["HalfCheetah-v5", "Hopper-v5", "Walker2d-v5", "Ant-v5", "Swimmer-v5", "InvertedPendulum-v5", "Reacher-v5"] {
            let resolved = try EnvironmentCatalogue.native.resolve(EnvironmentSettings(id))
            #expect(resolved.maxEpisodeSteps == (id == "Reacher-v5" ? 50 : 1000))
        }
    }
}
