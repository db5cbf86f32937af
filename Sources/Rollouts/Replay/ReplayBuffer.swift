import Platform
import Tensors

public final class ReplayBuffer {
    public let settings: ReplaySettings
    public let shape: RolloutShape
    public private(set) var limiter: RateLimiter
    public private(set) var staleUpdates = 0
    public var sequenceSteps: Int { shape.steps + settings.sequenceOverlap }
    public var count: Int { 0 }

    public init(_ settings: ReplaySettings, shape: RolloutShape) throws {
        self.settings = settings
        self.shape = shape
        limiter = settings.limiter
    }
    public func canInsert(_ count: Int) -> Bool { fatalError() }
    public func canSample(_ count: Int) -> Bool { fatalError() }
    public func insert(_ rollout: Rollout, source: DataSource = .replay, priorities: [Float]? = nil) throws { fatalError() }
    public func sample(_ count: Int, steps: Int, burnIn: Int = 0, beta: Double = 1) throws(ReplayError) -> ReplaySample { fatalError() }
    public func updatePriorities(keys: [UInt64], priorities: [Float]) throws(ReplayError) { fatalError() }
    public func snapshot() -> ReplaySnapshot { fatalError() }
}
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
