import Environments
import Networks
import Platform
import Rollouts
import Tensors

/// What an actor runs: an environment in slots, a network, and how long a rollout is.
public struct SamplerSettings: Sendable, Equatable {
    public var environment: String
    public var slots: Int
    /// Steps of a rollout.
    public var unroll: Int
    public var seed: UInt64
    public var hidden: [Int]
    public var activation: Activation

    public init(environment: String, slots: Int, unroll: Int, seed: UInt64, hidden: [Int], activation: Activation) {
        self.environment = environment
        self.slots = slots
        self.unroll = unroll
        self.seed = seed
        self.hidden = hidden
        self.activation = activation
    }
}

extension ActorCritic {
    /// The network that fits an environment's spaces.
    public init(environment: any Environment.Type, hidden: [Int], activation: Activation) throws {
        guard case .discrete(let actions) = environment.actionSpace else {
            throw SamplerError(
                problem: "\(environment.id) has a continuous action space, and the policies of this version are discrete", place: "environment.id",
                remedy: "Choose an environment with a discrete action space: see `apus environments`.")
        }
        self.init(
            observationCount: environment.observationSpace.shape.reduce(1, *), actionCount: actions, hidden: hidden, activation: activation)
    }
}

public struct SamplerError: Remediable {
    public let problem: String
    public let place: String
    public let remedy: String
}

/// Steps the slots of one actor with a policy and writes rollouts.
///
/// A rollout is a pure function of the weights, the slots' state at its start and the key (seed, actor, incarnation): weights change only between rollouts,
/// and every random number is addressed by slot, episode and step.
public final class Sampler {
    public let network: ActorCritic
    private let slots: any Slots
    private let builder: RolloutBuilder
    private let weights: Weights
    private let actionKey: RandomKey
    private let place: (actor: UInt32, incarnation: UInt32)
    private var uniforms: [Float]
    private var step: UInt64 = 0
    private var sequence: UInt64 = 1

    /// The policy version in use.
    public private(set) var version: UInt64 = 0

    public init(
        _ settings: SamplerSettings, actor: UInt32, incarnation: UInt32, credits: Int, catalogue: EnvironmentCatalogue = .standard
    ) throws {
        network = try ActorCritic(
            environment: catalogue.environment(id: settings.environment), hidden: settings.hidden, activation: settings.activation)
        let key = RandomKey(seed: settings.seed, purpose: .environment, actor: actor, incarnation: incarnation)
        slots = try catalogue.make(id: settings.environment, slots: settings.slots, key: key)
        builder = RolloutBuilder(
            observationShape: slots.observationShape, steps: settings.unroll, slots: settings.slots, kept: credits + 1)
        weights = Weights(network.layout)
        actionKey = RandomKey(seed: settings.seed, purpose: .action, actor: actor, incarnation: incarnation)
        place = (actor, incarnation)
        uniforms = [Float](repeating: 0, count: settings.slots)
        slots.reset(observation: builder.observation(0))
    }

    /// Changes the policy. Call it between rollouts.
    ///
    /// - Parameter parameters: [count] float32 in the layout's order.
    public func load(_ parameters: UnsafeRawBufferPointer, version: UInt64) {
        precondition(parameters.count == weights.layout.count * 4, "\(parameters.count) bytes for \(weights.layout.count) parameters")
        weights.flat.withMutableBuffer { UnsafeMutableRawBufferPointer($0).copyMemory(from: parameters) }
        self.version = version
    }

    /// The next rollout: `unroll` steps of every slot under the current policy.
    public func collect() -> Rollout {
        let parameters = weights.parameters()
        let observationCount = network.observationCount
        for t in 0..<builder.steps {
            let observation = builder.observation(t)
            let input = Tensor([slots.count, observationCount]) { _ = $0.update(fromContentsOf: observation) }
            let logits = network(input, parameters).logits
            uniforms.withUnsafeMutableBufferPointer { buffer in
                actionKey.uniforms(step: step, into: buffer)
                Categorical.sample(
                    logits: logits, uniforms: UnsafeBufferPointer(buffer), actions: builder.action(t), logProbs: builder.behaviourLogProb(t))
            }
            slots.step(
                actions: UnsafeBufferPointer(builder.action(t)), observation: builder.observation(t + 1), reward: builder.reward(t),
                terminated: builder.terminated(t), truncated: builder.truncated(t)
            ) { episode in
                builder.appendEnded(
                    step: t, slot: episode.slot, finalObservation: episode.finalObservation, episodeReturn: episode.episodeReturn,
                    length: episode.length)
            }
            step += 1
        }
        defer { sequence += 1 }
        return builder.finish(id: RolloutID(actor: place.actor, incarnation: place.incarnation, sequence: sequence), version: version)
    }
}
