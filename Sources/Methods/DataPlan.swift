/// What an update's gradient steps are trained on: the rollouts that have just arrived, sequences out of a replay buffer, or both.
public struct DataPlan: Sendable, Hashable {
    /// Whether the rollouts that have just arrived are trained on as they are, before anything that is replayed.
    public var trainsOnLive: Bool
    /// nil: nothing is kept.
    public var replay: ReplayPlan?

    public init(trainsOnLive: Bool, replay: ReplayPlan?) {
        self.trainsOnLive = trainsOnLive
        self.replay = replay
    }

    /// Every rollout once, when it arrives.
    public static let live = DataPlan(trainsOnLive: true, replay: nil)
    /// Only what is drawn from the replay buffer.
    public static func replayed(_ plan: ReplayPlan) -> DataPlan { DataPlan(trainsOnLive: false, replay: plan) }
}

/// How sequences are kept and drawn. Steps are environment steps of one slot.
public struct ReplayPlan: Sendable, Hashable {
    public enum Selector: String, Sendable, CaseIterable { case fifo, uniform, prioritized }

    public var selector = Selector.uniform
    /// The memory of the buffer, everything counted.
    public var capacityBytes = 1 << 30
    /// The buffer holds no more steps than this, even if they would fit.
    public var capacitySteps = 1_000_000
    /// Sequences in one batch.
    public var sequences = 32
    /// The steps of a sequence as it is drawn; 0: as it was stored.
    public var steps = 0
    /// The first steps of each sequence, which only refresh the recurrent state.
    public var burnIn = 0
    /// The steps by which a slot's consecutive sequences overlap; a larger number than a rollout has steps: a whole rollout.
    public var overlap = 0
    /// Steps trained on per step inserted, in the long run (burn-in not counted).
    public var ratio = 1.0
    /// Nothing is drawn before the buffer holds so many steps.
    public var minimumSteps = 1
    /// A sequence leaves the buffer after it was drawn so often; 0: no limit.
    public var maximumTimesSampled = 0
    /// α of prioritised replay: 0 draws uniformly.
    public var priorityExponent = 0.6
    /// β of prioritised replay at the beginning; it grows to 1 over the run.
    public var importanceExponent = 0.4
    /// Replayed sequences stand in one batch with the live rollouts, `ratio` times as many; otherwise in batches of their own.
    public var besideLive = false

    public init() {}
}
