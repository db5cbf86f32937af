import Environments
import Networks
import Platform
import Rollouts
import Wire
import Workers

/// What makes an actor's rollouts under a policy.
public protocol RolloutSource: AnyObject {
    /// Of the policy's parameters.
    var layout: ParameterLayout { get }
    /// Numbers that follow the parameters in the weights.
    var guidance: Int { get }

    /// Changes the policy. Call it between rollouts.
    ///
    /// - Parameters:
    ///   - parameters: [count + guidance] float32: in the layout's order, then what guides the draw of tasks.
    ///   - life: of the learner that made this version.
    func load(_ parameters: UnsafeRawBufferPointer, version: UInt64, life: UInt32)
    /// The next rollout under the current policy.
    func collect() throws -> Rollout
    /// What has gone wrong in the environments and was mended since the last call.
    func takeFailures() -> [SlotFailure]
}

extension Sampler: RolloutSource {
    public var layout: ParameterLayout { network.layout }
    public var guidance: Int { 0 }
}

extension ActorAssignment {
    /// What makes the rollouts that this assignment asks for.
    ///
    /// - Parameters:
    ///   - place: who acts; decides the random numbers.
    ///   - credits: how many rollouts may be under way; decides how much memory is kept.
    public func source(
        place: MemberPlace, credits: Int, catalogue: EnvironmentCatalogue = .current, clock: StepClock = StepClock()
    ) throws -> any RolloutSource {
        if let tokens { return try TokenSampler(self, tokens, place: place, clock: clock) }
        return try Sampler(self, place: place, credits: credits, catalogue: catalogue, clock: clock)
    }
}
