import Platform
public struct ReplaySnapshot: Sendable {}
public struct ReplayManifest: Sendable, Equatable {
    public init(json: [UInt8]) throws(ReplayError) { fatalError() }
    public var json: [UInt8] { [] }
}
public struct ReplayStore: Sendable {
    public init(_ directory: String) throws(FileError) { fatalError() }
    public func write(_ snapshot: ReplaySnapshot) throws(FileError) -> ReplayManifest { fatalError() }
    public func prune(keepingThoseOf manifests: [ReplayManifest]) throws(FileError) { fatalError() }
    public func restore(_ manifest: ReplayManifest, _ settings: ReplaySettings, shape: RolloutShape) throws -> ReplayBuffer { fatalError() }
    public func dataset(_ settings: ReplaySettings, shape: RolloutShape) throws -> ReplayBuffer { fatalError() }
}
extension ReplayBuffer {
    public func snapshot() -> ReplaySnapshot { fatalError() }
}
