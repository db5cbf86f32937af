import Glibc
import Platform
import Runs
import Tensors

/// `lives/N.yaml`: the description of the run as life N of the learner took it, and on what it ran.
///
/// A resumed run may go on with other settings: with the ledger and the seeds, these files tell how every version came about.
enum LifeFile {
    static func text(_ spec: RunSpec) throws -> String { "# \(machine)\n\(try spec.yaml(commented: false))" }

    static func read(_ life: UInt32, of directory: RunDirectory) throws -> (spec: RunSpec, machine: String) {
        let path = directory.life(life)
        let text = String(decoding: try Files.read(path), as: UTF8.self)
        return (try RunSpec.parse(text, place: path), String(text.prefix { $0 != "\n" }.dropFirst(2)))
    }

    /// What decides the last bits of sums: the program, the kind of processor, and the libraries that choose their kernels by it.
    static var machine: String {
        let lines = (try? Files.read("/proc/cpuinfo")).map { String(decoding: $0, as: UTF8.self).split(separator: "\n") } ?? []
        let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":", maxSplits: 1).last.map(String.init) ?? " unknown processor"
        return "Apus \(Release.version),\(model), OpenBLAS \(BLAS.version) \(BLAS.core)"
    }
}
