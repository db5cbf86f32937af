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
    @usableFromInline let finalObservation: UnsafeMutableBufferPointer<E.Scalar>
    @usableFromInline let key: RandomKey
    @usableFromInline let observationCount: Int
    /// The numbers of one action.
    @usableFromInline let actionCount: Int
    @usableFromInline let maxEpisodeSteps: Int32

    init(count: Int, key: RandomKey, options: EnvironmentOptions?, maxEpisodeSteps limit: Int?) {
        self.key = key
        observationCount = E.observationSpace.count
        actionCount = E.actionSpace.count
        maxEpisodeSteps = limit.map { Int32(clamping: $0) } ?? .max
        finalObservation = .allocate(capacity: observationCount)
        UnsafeMutableRawBufferPointer(finalObservation).initializeMemory(as: UInt8.self, repeating: 0)
        slots = .allocate(capacity: count)
        for index in 0..<count {
            var environment = E()
            if let options { environment.configure(options) }
            slots.initializeElement(at: index, to: Slot(environment: environment, episode: 0))
        }
    }

    func deallocate() {
        slots.deinitialize()
        slots.deallocate()
        finalObservation.deallocate()
    }

    public var count: Int { slots.count }

    /// Starts the slot's episode `episode`. Its start is a pure function of (key, slot, episode).
    @inlinable
    func start(_ slot: Int, episode: UInt64, observation: UnsafeMutableBufferPointer<E.Scalar>) {
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
        let actionCount = states.actionCount
        let observations = row.observation.assumingMemoryBound(to: Scalar.self)
        for index in 0..<states.slots.count {
            let observation = UnsafeMutableBufferPointer(rebasing: observations[(index &* width)..<((index &+ 1) &* width)])
            let action = Self.action(of: index, width: actionCount, in: row.actions)
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
    func end(_ index: Int, observation: UnsafeMutableBufferPointer<E.Scalar>, ended: (EndedEpisode) -> Void) {
        let slot = slots[index]
        for k in 0..<observationCount { finalObservation[k] = observation[k] }
        ended(
            EndedEpisode(
                slot: index, finalObservation: UnsafeRawBufferPointer(finalObservation), episodeReturn: Float(slot.episodeReturn),
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

    /// - Parameters:
    ///   - options: the environment's own settings; nil: its defaults.
    ///   - maxEpisodeSteps: where episodes are truncated; nil: the environment's own limit.
    public init(count: Int, key: RandomKey, options: EnvironmentOptions? = nil, maxEpisodeSteps: Int? = nil) {
        precondition(count > 0, "\(E.id) needs at least one slot, got \(count)")
        precondition(
            E.observationSpace.elementType == E.Scalar.elementType,
            "\(E.id) writes \(E.Scalar.elementType) observations, but its space has \(E.observationSpace.elementType)")
        states = SlotStates(count: count, key: key, options: options, maxEpisodeSteps: maxEpisodeSteps ?? E.maxEpisodeSteps)
    }

    deinit { states.deallocate() }

    public var count: Int { states.count }
    public var observationSpace: Space { E.observationSpace }
    public var actionSpace: Space { E.actionSpace }

    public func reset(observation: UnsafeMutableRawBufferPointer) {
        let width = states.observationCount
        let row = observation.assumingMemoryBound(to: E.Scalar.self)
        precondition(row.count == count * width, "a row of \(count) × \(width) observations does not fit into \(row.count)")
        for index in 0..<count {
            let one = UnsafeMutableBufferPointer(rebasing: row[(index * width)..<((index + 1) * width)])
            states.start(index, episode: started ? states.slots[index].episode + 1 : 0, observation: one)
        }
        started = true
    }

    public func step(_ row: SlotsRow, ended: (EndedEpisode) -> Void) {
        precondition(
            row.observation.count == count * E.observationSpace.byteCount && row.actions.count == count * E.actionSpace.byteCount
                && row.reward.count == count && row.terminated.count == count && row.truncated.count == count,
            "a row must have \(count) slots of \(E.id)")
        E.step(states, row: row, ended: ended)
    }
}
