import Platform
import Tensors

/// Who made a rollout, and which one it is of theirs: the key of the ledger.
public struct RolloutID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The actor's rank in the run, from 0.
    public var actor: UInt32
    /// How many times the actor's process was started before.
    public var incarnation: UInt32
    /// Counts the rollouts of this incarnation from 1.
    public var sequence: UInt64

    public init(actor: UInt32, incarnation: UInt32, sequence: UInt64) {
        self.actor = actor
        self.incarnation = incarnation
        self.sequence = sequence
    }
    public static func < (a: Self, b: Self) -> Bool { (a.actor, a.incarnation, a.sequence) < (b.actor, b.incarnation, b.sequence) }
    public var description: String { "\(actor).\(incarnation)/\(sequence)" }
}

/// A time-major block of T steps × B slots from one actor, made under one policy version.
///
/// Auto-reset happens in the same step: where step t of slot b ended an episode, `observation[t + 1, b]` already belongs to the next
/// episode and the ended episode's own last observation stands in `finalObservation`, at the row k with `finalIndex[k] == t * B + b`.
public struct Rollout: Sendable {
    public let id: RolloutID
    /// The policy version that chose every action in this block.
    public let version: UInt64
    /// The learner's life that made this version: a life that resumes from a checkpoint makes some numbers anew, with other weights.
    public let life: UInt32
    public let steps: Int
    public let slots: Int

    /// [T + 1, B] + observation shape; row T is where the block was cut.
    public let observation: Column
    /// [T, B] for a discrete action space (int32), [T, B, K] for a multi-discrete one (int32), [T, B] + shape for a box (float32): what the
    /// policy drew, before it was clipped or squashed into the box.
    public let action: Column
    /// [T, B] float32: log μ(a | o) under the behaviour policy, of the action as it stands in `action`.
    public let behaviourLogProb: Column
    /// [T, B] float32
    public let reward: Column
    /// [T, B] uint8, 0 or 1: the task ended; nothing follows.
    public let terminated: Column
    /// [T, B] uint8, 0 or 1: cut from outside; the value of the final observation follows.
    public let truncated: Column
    /// [K] int32, ascending: t * B + b of each step that ended an episode.
    public let finalIndex: Column
    /// [K] + observation shape
    public let finalObservation: Column
    /// [K] float32: undiscounted return of each episode that ended.
    public let episodeReturn: Column
    /// [K] int32: steps of each episode that ended.
    public let episodeLength: Column
    /// [B, S] float32: the recurrent state with which each slot entered the block; S is 0 for a network without memory.
    public let recurrentState: Column
    /// [T, B, P] float32: what the behaviour policy said of each step, as the numbers that describe its distribution (logits of a discrete
    /// one); P is 0 unless the run's method asks for them.
    public let behaviourPolicy: Column
    /// What a token policy has drawn; then `steps` counts the tokens that it drew, `slots` is 1, and the columns of steps are empty.
    public let responses: ResponseBlock?

    public var frames: Int { steps * slots }
    /// The shape of one observation.
    public var observationShape: [Int] { Array(observation.shape.dropFirst(2)) }
    /// Every column, in the order in which they travel.
    public var columns: [Column] {
        if let responses { return responses.columns }
        return [
            observation, action, behaviourLogProb, reward, terminated, truncated, finalIndex, finalObservation, episodeReturn,
            episodeLength, recurrentState, behaviourPolicy,
        ]
    }
    public var byteCount: Int { columns.reduce(0) { $0 + $1.bytes.count } }

    public init(
        id: RolloutID, version: UInt64, life: UInt32 = 0, steps: Int, slots: Int, observation: Column, action: Column, behaviourLogProb: Column,
        reward: Column, terminated: Column, truncated: Column, finalIndex: Column, finalObservation: Column, episodeReturn: Column,
        episodeLength: Column, recurrentState: Column, behaviourPolicy: Column? = nil
    ) {
        self.id = id
        self.version = version
        self.life = life
        self.steps = steps
        self.slots = slots
        self.observation = observation
        self.action = action
        self.behaviourLogProb = behaviourLogProb
        self.reward = reward
        self.terminated = terminated
        self.truncated = truncated
        self.finalIndex = finalIndex
        self.finalObservation = finalObservation
        self.episodeReturn = episodeReturn
        self.episodeLength = episodeLength
        self.recurrentState = recurrentState
        self.behaviourPolicy =
            behaviourPolicy ?? Column("behaviourPolicy", .float32, [steps, slots, 0], SharedBytes(recurrentState.bytes, offset: 0, count: 0))
        responses = nil
    }

    /// A rollout of responses.
    /// - Parameter drawn: the tokens that the policy drew for it.
    public init(id: RolloutID, version: UInt64, life: UInt32 = 0, drawn: Int, responses: ResponseBlock) {
        self.id = id
        self.version = version
        self.life = life
        steps = max(drawn, 1)
        slots = 1
        let none = Column("none", [Float](), [0])
        (observation, action, behaviourLogProb, reward) = (none, none, none, none)
        (terminated, truncated, finalIndex, finalObservation) = (none, none, none, none)
        (episodeReturn, episodeLength, recurrentState, behaviourPolicy) = (none, none, none, none)
        self.responses = responses
    }

    /// The groups of a rollout of responses; empty for another one.
    public var groups: [ResponseGroup] { responses?.decoded(version: version) ?? [] }
}
