// swift-tools-version: 6.0
import PackageDescription

// A package of one's own that depends on Apus: an environment, a method, a network, and a program that trains on them.
let package = Package(
    name: "Examples",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "Apus", path: "..")],
    targets: [
        .executableTarget(name: "gridworld", dependencies: [.product(name: "Apus", package: "Apus")])
    ]
)
