import CKernels
import Environments
import Networks
import Platform
import Rollouts
import Tensors
import Wire

extension ResolvedEnvironment {
    /// The network that fits this environment.
    public func network(_ settings: NetworkSettings) throws -> any PolicyNetwork {
        try NetworkCatalogue.current.make(observation: observationSpace, action: actionSpace, settings)
    }
}

/// Steps the slots of one actor with a policy and writes rollouts.
///
/// A rollout is a pure function of the weights, the slots' state at its start and the key (seed, actor, incarnation): weights change only
/// between rollouts, and every random number is addressed by slot, episode and step.
public final class Sampler {
    public let network: any PolicyNetwork
    private let environment: ResolvedEnvironment
    private let slots: any Slots
    private let builder: RolloutBuilder
    private let weights: Weights
    private let policy: Policy
    private let actionKey: RandomKey
    private let place: MemberPlace
    private let exploration: Exploration
    private let clock: StepClock
    /// The floats of one observation; 0 where observations are bytes.
    private let floats: Int
    /// What the environment is told where it is not what the policy drew: [B] + action shape.
    private let bounded: UnsafeMutableRawBufferPointer?
    private var step: UInt64 = 0
    private var sequence: UInt64 = 1

    /// The policy version in use.
    public private(set) var version: UInt64 = 0
    /// The learner's life that made it.
    private var life: UInt32 = 0

    /// - Parameters:
    ///   - place: who acts; decides the random numbers.
    ///   - credits: how many rollouts may be under way; decides how much memory is kept.
    ///   - clock: tells others whether the environments are stepping.
    public init(
        _ assignment: ActorAssignment, place: MemberPlace, credits: Int, catalogue: EnvironmentCatalogue, clock: StepClock = StepClock()
    ) throws {
        self.clock = clock
        environment = try catalogue.resolve(assignment.environment)
        network = try environment.network(assignment.network)
        let key = RandomKey(seed: assignment.seed, purpose: .environment, actor: place.rank, incarnation: place.incarnation)
        slots = try environment.make(slots: assignment.slots, key: key)
        builder = RolloutBuilder(
            observation: environment.observationSpace, action: environment.actionSpace, stateCount: network.stateCount,
            policyCount: assignment.keepsPolicy ? network.distribution.parameterCount : 0, steps: assignment.unroll,
            slots: assignment.slots, kept: credits + 1)
        weights = Weights(network.layout)
        policy = Policy(network, slots: assignment.slots)
        actionKey = RandomKey(seed: assignment.seed, purpose: .action, actor: place.rank, incarnation: place.incarnation)
        self.place = place
        exploration = assignment.exploration
        floats = environment.observationSpace.elementType == .float32 ? environment.observationSpace.count : 0
        if case .box = environment.actionSpace {
            bounded = .allocate(byteCount: assignment.slots * environment.actionSpace.byteCount, alignment: 64)
        } else {
            bounded = nil
        }
        try slots.reset(observation: builder.observation(0))
        if let fault = fault("first observation", UnsafeRawBufferPointer(builder.observation(0)), width: floats, step: 0) { throw fault }
    }

    deinit { bounded?.deallocate() }

    /// Changes the policy. Call it between rollouts.
    ///
    /// - Parameters:
    ///   - parameters: [count] float32 in the layout's order.
    ///   - life: of the learner that made this version.
    public func load(_ parameters: UnsafeRawBufferPointer, version: UInt64, life: UInt32 = 0) {
        precondition(parameters.count == weights.layout.count * 4, "\(parameters.count) bytes for \(weights.layout.count) parameters")
        weights.flat.withMutableBuffer { UnsafeMutableRawBufferPointer($0).copyMemory(from: parameters) }
        (self.version, self.life) = (version, life)
        policy.epsilons = exploration.epsilons(first: Int(place.rank) * builder.slots, count: builder.slots, version: version)
    }

    /// What has gone wrong in the environments and was mended since the last call.
    public func takeFailures() -> [SlotFailure] { slots.takeFailures() }

    /// The next rollout: `unroll` steps of every slot under the current policy.
    ///
    /// - Throws: `EnvironmentFault` for numbers that are not finite, or what the environments throw when they cannot go on.
    public func collect() throws -> Rollout {
        let parameters = weights.parameters()
        policy.state.withBuffer { _ = builder.recurrentState.update(fromContentsOf: $0) }
        for t in 0..<builder.steps {
            let drawn = builder.action(t)
            policy.act(
                builder.observation(t), parameters, .sampled(actionKey), step: step, actions: drawn, logProbs: builder.behaviourLogProb(t),
                policies: builder.behaviourPolicy(t))
            if let bounded {
                bounded.copyMemory(from: UnsafeRawBufferPointer(drawn))
                network.distribution.bound(bounded)
            }
            let row = SlotsRow(
                actions: UnsafeRawBufferPointer(bounded ?? drawn), observation: builder.observation(t + 1), reward: builder.reward(t),
                terminated: builder.terminated(t), truncated: builder.truncated(t))
            var fault: EnvironmentFault?
            clock.begin()
            try slots.step(row) { episode in
                // The row of observations holds the next episode's first one already.
                fault =
                    fault
                    ?? self.fault("final observation", episode.finalObservation, width: floats, from: episode.slot, step: step)
                builder.appendEnded(
                    step: t, slot: episode.slot, finalObservation: episode.finalObservation, episodeReturn: episode.episodeReturn,
                    length: episode.length)
            }
            clock.end()
            policy.forget(row.terminated, row.truncated)
            step += 1
            // What came before is told first.
            if let fault {
                try checkFinite(through: t)
                throw fault
            }
        }
        try checkFinite(through: builder.steps - 1)
        defer { sequence += 1 }
        return builder.finish(id: RolloutID(actor: place.rank, incarnation: place.incarnation, sequence: sequence), version: version, life: life)
    }

    /// Names the first reward or observation of the rollout's rows up to `last` that is infinite or NaN: the learner would refuse the
    /// rollout, but could not tell whose fault it is.
    private func checkFinite(through last: Int) throws(EnvironmentFault) {
        for t in 0...last {
            let now = step - UInt64(last + 1 - t)
            if let fault = fault("reward", UnsafeRawBufferPointer(builder.reward(t)), width: 1, step: now)
                ?? fault("observation", UnsafeRawBufferPointer(builder.observation(t + 1)), width: floats, step: now)
            {
                throw fault
            }
        }
    }

    /// The first number in some slots' rows that is infinite or NaN.
    ///
    /// - Parameter width: the floats of a slot; 0 where there are bytes.
    private func fault(
        _ what: String, _ rows: UnsafeRawBufferPointer, width: Int, from slot: Int = 0, step: UInt64
    ) -> EnvironmentFault? {
        guard width > 0, !allFinite(rows) else { return nil }
        let values = rows.assumingMemoryBound(to: Float.self)
        guard let index = values.firstIndex(where: { !$0.isFinite }) else { return nil }
        return EnvironmentFault(
            environment: environment.id, what: width == 1 ? what : "\(what) number \(index % width)", value: values[index],
            slot: slot + index / width, step: step)
    }
}

/// A number from an environment that nothing can be learned from.
public struct EnvironmentFault: Remediable {
    public let environment: String
    let what: String
    let value: Float
    let slot: Int
    let step: UInt64

    public var problem: String { "the \(what) is \(value)" }
    public var place: String { "\(environment), slot \(slot), step \(step) of this actor" }
    public var remedy: String { "Mend the environment, or keep it away from the states in which this happens." }
}
