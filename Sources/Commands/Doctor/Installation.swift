import Glibc
import Platform

/// The programs of Apus, and the folder of the runs.
enum Installation {
    static func findings(runs: String) -> [Finding] { [programs, folder(runs)] }

    private static var programs: Finding {
        do {
            let folder = Files.parent(of: try Files.readLink("/proc/self/exe"))
            let missing = ["apus-coordinator", "apus-learner", "apus-actor"].filter { access("\(folder)/\($0)", X_OK) != 0 }
            guard missing.isEmpty else {
                return .broken("programs", "\(missing.joined(separator: ", ")) missing beside apus in \(folder)", remedy: "make build")
            }
            return .fine("programs", "coordinator, learner and actor lie beside apus")
        } catch {
            return .broken("programs", error)
        }
    }

    private static let neededMegabytes = 100

    /// By writing a file, which says more than permissions do: disks are full or read-only.
    private static func folder(_ runs: String) -> Finding {
        let folder = nearestExisting(runs)
        let probe = "\(folder)/.apus-doctor-\(getpid())"
        do {
            defer { try? Files.remove(probe) }
            try Files.write([UInt8](repeating: 0, count: 4096), to: probe)
        } catch {
            return .broken("runs", "\(runs): \(error.problem)", remedy: error.remedy)
        }
        let state = folder == runs ? "\(runs) is writable" : "\(runs) can be made"
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0 else { return .fine("runs", state) }
        let megabytes = Int(disk.f_bavail) * Int(disk.f_frsize) / (1 << 20)
        guard megabytes >= neededMegabytes else {
            return .warning(
                "runs", "\(state), but only \(megabytes) MB are free", remedy: "Free space there, or choose another folder with --runs.")
        }
        return .fine("runs", "\(state), \(megabytes) MB free")
    }

    private static func nearestExisting(_ path: String) -> String {
        Files.isDirectory(path) || Files.parent(of: path) == path ? path : nearestExisting(Files.parent(of: path))
    }
}
