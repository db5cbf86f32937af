// swift-tools-version: 6.0
import PackageDescription

// Lower targets never import higher ones; the order below is the order of the layers.
//
// Each target names every Swift target below it, not only its neighbours: SwiftPM rebuilds a target when a module that it names has changed,
// and a new private property deep below changes the size of what a higher target allocates without changing the modules in between.
let acting: [Target.Dependency] = ["CKernels", "Keeping", "Platform", "Tensors", "Networks", "Environments", "Rollouts", "Wire", "Workers"]
let learning: [Target.Dependency] = acting + ["Methods", "Runs", "Acting"]
let coordinating: [Target.Dependency] = ["Platform", "Tensors", "Networks", "Environments", "Rollouts", "Methods", "Runs", "Wire"]
let workers: [Target.Dependency] = ["CPlatform", "CWire", "Platform", "Tensors", "Environments", "Networks", "Rollouts", "Wire"]
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "Apus",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Apus", targets: ["Apus"]),
        .executable(name: "apus", targets: ["apus-cli"]),
        .executable(name: "apus-actor", targets: ["apus-actor"]),
        .executable(name: "apus-learner", targets: ["apus-learner"]),
        .executable(name: "apus-coordinator", targets: ["apus-coordinator"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Libraries of the system, and C of our own.
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        // A dependency of libzmq3-dev.
        .systemLibrary(name: "CSodium", providers: [.apt(["libsodium-dev"])]),
        .target(name: "CWire", dependencies: ["CProtobufC"]),
        .target(name: "CKernels"),
        .target(name: "CPlatform"),
        // A lander in C++ on Debian's libbox2d-dev, behind a C header.
        .target(name: "CBox2D", linkerSettings: [.linkedLibrary("box2d")]),
        // Loads libmujoco at run time.
        .target(name: "CMuJoCo"),
        // Loads libsqlite3 at run time: libsqlite3-dev is only needed for its header.
        .target(name: "CSQLite"),

        // Threads, clocks, files; then numbers; then what learns.
        .target(name: "Platform", dependencies: ["CPlatform", .product(name: "Logging", package: "swift-log")]),
        .target(name: "Tensors", dependencies: ["COpenBLAS", "CKernels", "Platform"]),
        .target(name: "Networks", dependencies: ["Tensors", "CKernels", "Platform"]),
        .target(
            name: "Environments", dependencies: ["CBox2D", "CMuJoCo", "CSQLite", "Platform", "Tensors"], exclude: ["MuJoCo/Models/LICENSE"],
            resources: ["ant", "half_cheetah", "hopper", "inverted_pendulum", "reacher", "swimmer", "walker2d"].map {
                .embedInCode("MuJoCo/Models/\($0).xml")
            }),
        .target(name: "Rollouts", dependencies: ["CKernels", "Platform", "Tensors"]),
        .target(name: "Methods", dependencies: ["Rollouts", "Networks", "Tensors", "Platform"]),
        .target(
            name: "Runs",
            dependencies: [
                "Platform", "Tensors", "Networks", "Environments", "Rollouts", "Methods", "CWire", "CSodium", .product(name: "Yams", package: "Yams"),
            ],
            resources: ["addition", "cartpole", "chain", "halfcheetah", "lunarlander", "minatar-breakout", "pendulum", "pong"].map { .embedInCode("Presets/\($0).yaml") }),

        // The wire and the three roles.
        .target(
            name: "Wire",
            dependencies: [
                "CPlatform", "CZeroMQ", "CWire", "Platform", "Environments", "Networks", "Rollouts", "Tensors",
                .product(name: "DequeModule", package: "swift-collections"),
            ]),
        .target(
            name: "Workers", dependencies: workers,
            resources: ["__init__", "__main__", "wire", "serving", "memory", "spaces", "loop", "atari", "parallel"].map {
                .embedInCode("Python/\($0).py")
            }),
        // Actors on other hosts: the process that keeps them alive there, and who starts it from here.
        .target(name: "Keeping", dependencies: ["CPlatform", "Platform", argumentParser]),
        .target(
            name: "Spawning",
            dependencies: ["CWire", "Environments", "Networks", "Platform", "Rollouts", "Tensors", "Wire", .product(name: "Yams", package: "Yams")]),
        .target(name: "Acting", dependencies: acting + [argumentParser]),
        .target(name: "Learning", dependencies: learning + [argumentParser]),
        .target(name: "Coordinating", dependencies: coordinating + [argumentParser]),
        .target(name: "Commands", dependencies: learning + ["Learning", "Coordinating", "Spawning", argumentParser]),
        .target(name: "Apus", dependencies: learning + ["Learning", "Coordinating", "Spawning", "Commands", argumentParser]),

        // The programs.
        .executableTarget(name: "apus-actor", dependencies: acting + ["Acting", argumentParser]),
        .executableTarget(name: "apus-learner", dependencies: learning + ["Learning", argumentParser]),
        .executableTarget(name: "apus-coordinator", dependencies: coordinating + ["Coordinating", argumentParser]),
        .executableTarget(
            name: "apus-cli", dependencies: learning + ["Learning", "Coordinating", "Spawning", "Commands", argumentParser]),

        .target(name: "TestSupport", dependencies: ["CKernels", "Platform", "Tensors", "Networks"], path: "Tests/TestSupport"),
        .testTarget(name: "PlatformTests", dependencies: ["Platform", "Tensors", "Networks", "TestSupport"]),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors", "CKernels", "Platform"], exclude: ["Fixtures"]),
        .testTarget(name: "NetworksTests", dependencies: ["Networks", "Tensors", "Platform", "TestSupport"], exclude: ["Fixtures"]),
        .testTarget(name: "EnvironmentsTests", dependencies: ["Environments", "Tensors", "Platform"], exclude: ["Fixtures"]),
        .testTarget(name: "RolloutsTests", dependencies: ["Rollouts", "Tensors", "Platform", "TestSupport"]),
        .testTarget(
            name: "MethodsTests", dependencies: ["Methods", "Environments", "Rollouts", "Networks", "Tensors", "Platform", "TestSupport"],
            exclude: ["Fixtures"]),
        .testTarget(
            name: "RunsTests",
            dependencies: ["Runs", "Methods", "Rollouts", "Networks", "Environments", "Tensors", "Platform", "TestSupport"]),
        // Real processes: the programs lie beside the test bundle.
        .testTarget(name: "ClusterTests", dependencies: coordinating + ["CKernels", "Coordinating", "TestSupport"], exclude: ["Fixtures"]),
        .testTarget(name: "SpawningTests", dependencies: ["Spawning", "Keeping", "Wire", "Platform"]),
        .testTarget(
            name: "WireTests",
            dependencies: ["Wire", "Rollouts", "Networks", "Environments", "Tensors", "Platform", "TestSupport"]),
        // The example in C, and a worker that goes wrong as it is told: programs beside the test bundle.
        .executableTarget(
            name: "corridor-worker", dependencies: ["CWire"], path: "workers/examples/c", exclude: ["Makefile"],
            linkerSettings: [.linkedLibrary("zmq")]),
        .executableTarget(name: "faulty-worker", dependencies: workers + ["Workers"], path: "Tests/FaultyWorker"),
        .testTarget(
            name: "WorkersTests", dependencies: workers + ["Workers", "TestSupport", "corridor-worker", "faulty-worker"],
            exclude: ["Fixtures"]),
        .testTarget(
            name: "RolesTests",
            dependencies: learning + ["Learning", "Coordinating", .product(name: "Logging", package: "swift-log")]),
        // A program of one's own, with methods whose proofs are short, wrong or crash.
        .executableTarget(
            name: "proof-program", dependencies: learning + ["Learning", "Coordinating", "Spawning", "Commands", argumentParser],
            path: "Tests/ProofProgram"),
        .testTarget(
            name: "CommandTests",
            dependencies: learning + [
                "Learning", "Coordinating", "Spawning", "Commands", argumentParser, "proof-program", "apus-cli", "apus-actor", "apus-learner", "apus-coordinator", "corridor-worker", "faulty-worker",
            ],
            exclude: ["Fixtures"]),
    ]
)
