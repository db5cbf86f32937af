import Platform
import Tensors
import Wire

/// The libraries that this program has found at its start, which may be others than those it was built with.
enum Libraries {
    static var findings: [Finding] {
        [
            .fine("Apus", "\(Release.version), protocol version \(WireProtocol.version)"),
            library("libzmq", SocketContext.libraryVersion, least: (4, 3), package: "libzmq3-dev"),
            library("protobuf-c", WireProtocol.protobufVersion, least: (1, 3), package: "libprotobuf-c-dev"),
            .fine(
                "OpenBLAS",
                "\(BLAS.version), kernels for \(BLAS.core), \(BLAS.threads) threads by default (actors take 1, the learner learner.threads)"
            ),
        ]
    }

    private static func library(_ name: String, _ version: String, least: (Int, Int), package: String) -> Finding {
        let parts = version.split(separator: ".").compactMap { Int($0) } + [0, 0]
        guard (parts[0], parts[1]) >= least else {
            return .broken(
                name, "\(version) is older than \(least.0).\(least.1)", remedy: "apt-get update && apt-get install \(package) && make build"
            )
        }
        return .fine(name, version)
    }
}
