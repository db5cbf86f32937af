import CKernels
import Glibc
import Platform

/// Processor and memory.
enum Machine {
    static var findings: [Finding] { [processor, cores, memory] }

    private static var processor: Finding {
        let target = String(cString: apus_kernel_target())
        guard target == "baseline" else { return .fine("processor", "kernels for \(target)") }
        return .warning(
            "processor", "kernels without AVX2: several times slower",
            remedy: "Run on a processor with AVX2, or let the virtual machine show that of its host.")
    }

    private static var cores: Finding {
        // A mask of hexadecimal digits, as containers and taskset set it.
        let usable =
            number("/proc/self/status", "Cpus_allowed") { mask in mask.compactMap(\.hexDigitValue).reduce(0) { $0 + $1.nonzeroBitCount } }
            ?? sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let installed = sysconf(Int32(_SC_NPROCESSORS_CONF))
        let text = usable == installed ? "\(usable)" : "\(usable) of \(installed) may be used"
        guard usable > 1 else {
            return .warning(
                "cores", "\(text): actors and learner take turns", remedy: "Give this machine, container or task a second core.")
        }
        return .fine("cores", text)
    }

    /// A value in a file of lines like "KEY:  VALUE unit".
    private static func number(_ file: String, _ key: String, _ value: (Substring) -> Int?) -> Int? {
        guard let bytes = try? Files.read(file) else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("\(key):") }
        return line?.dropFirst(key.count + 1).split(whereSeparator: \.isWhitespace).first.flatMap(value)
    }

    /// All three roles together stay below 120 MB with small networks.
    private static let neededMegabytes = 256

    private static var memory: Finding {
        func megabytes(_ key: String) -> Int? { number("/proc/meminfo", key) { Int($0).map { $0 / 1024 } } }
        guard let total = megabytes("MemTotal"), let available = megabytes("MemAvailable") else {
            return .warning("memory", "/proc/meminfo does not tell how much there is", remedy: "mount -t proc proc /proc")
        }
        guard available >= neededMegabytes else {
            return .warning(
                "memory", "only \(available) of \(total) MB are available",
                remedy: "End other programs: a small run takes \(neededMegabytes) MB.")
        }
        return .fine("memory", "\(available) of \(total) MB available")
    }
}
