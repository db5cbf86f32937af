import Tensors

/// The state of B slots of one environment: what `VectorSlots` owns and `Environment.step(_:row:ended:)` advances.
///
/// It refers to memory that its `VectorSlots` frees: an array would ask at every step of every slot whether somebody else holds it.
public struct SlotStates<E: Environment> {
    /// One slot: the environment and the episode it is in.
    @usableFromInline
    struct Slot {
        @usableFromInline var environment: E
        /// Counts the slot's episodes from 0.
        @usableFromInline var episode: UInt64
        @usableFromInline var length: Int32 = 0
        /// Summed in double precision: long episodes of small rewards would lose digits otherwise.
        @usableFromInline var episodeReturn: Double = 0

        @usableFromInline
        init(environment: E, episode: UInt64) {
            self.environment = environment
            self.episode = episode
        }
    }

    @usableFromInline let slots: UnsafeMutableBufferPointer<Slot>
    /// Where the last observation of an ended episode stands while it is reported.
    @usableFromInline let finalObservation: UnsafeMutableBufferPointer<Float>
    @usableFromInline let key: RandomKey
    @usableFromInline let observationCount: Int
    @usableFromInline let maxEpisodeSteps: Int32

    init(count: Int, key: RandomKey) {
        self.key = key
        observationCount = E.observationSpace.shape.reduce(1, *)
        maxEpisodeSteps = E.maxEpisodeSteps.map(Int32.init) ?? .max
        finalObservation = .allocate(capacity: observationCount)
        finalObservation.initialize(repeating: 0)
        slots = .allocate(capacity: count)
        for index in 0..<count { slots.initializeElement(at: index, to: Slot(environment: E(), episode: 0)) }
    }

    func deallocate() {
        slots.deinitialize()
        slots.deallocate()
        finalObservation.deallocate()
    }

    public var count: Int { slots.count }

    /// Starts the slot's episode `episode`. Its start is a pure function of (key, slot, episode).
    @inlinable
    func start(_ slot: Int, episode: UInt64, observation: UnsafeMutableBufferPointer<Float>) {
        var random = key.stream(slot: UInt32(truncatingIfNeeded: slot), episode: episode)
        slots[slot].episode = episode
        slots[slot].length = 0
        slots[slot].episodeReturn = 0
        slots[slot].environment.reset(&random, observation: observation)
    }
}

extension Environment {
    @inlinable
    public static func step(_ states: SlotStates<Self>, row: SlotsRow, ended: (EndedEpisode) -> Void) {
        let width = states.observationCount
        let limit = states.maxEpisodeSteps
        for index in 0..<states.slots.count {
            let observation = UnsafeMutableBufferPointer(rebasing: row.observation[(index &* width)..<((index &+ 1) &* width)])
            let action = Self.action(of: index, in: row.actions)
            let step = states.slots[index].environment.step(action, observation: observation)
            let length = states.slots[index].length &+ 1
            states.slots[index].length = length
            states.slots[index].episodeReturn += Double(step.reward)
            let truncated = length >= limit && !step.terminated
            row.reward[index] = step.reward
            row.terminated[index] = step.terminated ? 1 : 0
            row.truncated[index] = truncated ? 1 : 0
            if step.terminated || truncated { states.end(index, observation: observation, ended: ended) }
        }
    }
}

extension SlotStates {
    /// Reports the episode of a slot, whose last observation stands in `observation`, and puts the first one of the next episode there.
    @inlinable
    @inline(never)
    func end(_ index: Int, observation: UnsafeMutableBufferPointer<Float>, ended: (EndedEpisode) -> Void) {
        let slot = slots[index]
        for k in 0..<observationCount { finalObservation[k] = observation[k] }
        ended(
            EndedEpisode(
                slot: index, finalObservation: UnsafeBufferPointer(finalObservation), episodeReturn: Float(slot.episodeReturn),
                length: slot.length))
        start(index, episode: slot.episode &+ 1, observation: observation)
    }
}

/// `Slots` of any environment: auto-reset in the same step, truncation at the environment's step limit, returns and lengths.
///
/// Randomness: the key's purpose is `.environment`; each slot and episode has its own stream, so an episode's start depends on nothing that
/// happened before.
public final class VectorSlots<E: Environment>: Slots {
    private let states: SlotStates<E>
    private var started = false

    public init(count: Int, key: RandomKey) {
        precondition(count > 0, "\(E.id) needs at least one slot, got \(count)")
        states = SlotStates(count: count, key: key)
    }

    deinit { states.deallocate() }

    public var count: Int { states.count }
    public var observationShape: [Int] { E.observationSpace.shape }
    public var actionSpace: Space { E.actionSpace }

    public func reset(observation: UnsafeMutableBufferPointer<Float>) {
        let width = states.observationCount
        precondition(observation.count == count * width, "a row of \(count) × \(width) observations does not fit into \(observation.count)")
        for index in 0..<count {
            let row = UnsafeMutableBufferPointer(rebasing: observation[(index * width)..<((index + 1) * width)])
            states.start(index, episode: started ? states.slots[index].episode + 1 : 0, observation: row)
        }
        started = true
    }

    public func step(_ row: SlotsRow, ended: (EndedEpisode) -> Void) {
        precondition(
            row.observation.count == count * states.observationCount && row.reward.count == count && row.terminated.count == count
                && row.truncated.count == count, "a row must have \(count) slots with \(states.observationCount) observations each")
        E.step(states, row: row, ended: ended)
    }
}
