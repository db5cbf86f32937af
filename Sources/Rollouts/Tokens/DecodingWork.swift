/// What an actor's slots have done for a rollout, in decoding steps: in each, every slot that has a response draws one token.
///
/// Hardware that decodes all slots at once takes as long for an idle slot as for a busy one: there, steps are time. They are the same
/// number on every machine. Responses that were thrown away have taken steps too; reading prompts has not.
public struct DecodingWork: Sendable, Hashable {
    /// Since the rollout before.
    public var steps: Int
    /// Slots that drew a token, summed over the steps.
    public var busySlots: Int
    /// Slots that there were, summed over the steps.
    public var slots: Int

    public init(steps: Int = 0, busySlots: Int = 0, slots: Int = 0) {
        self.steps = steps
        self.busySlots = busySlots
        self.slots = slots
    }

    public static func + (a: Self, b: Self) -> Self {
        Self(steps: a.steps + b.steps, busySlots: a.busySlots + b.busySlots, slots: a.slots + b.slots)
    }

    /// The share of the slots that was busy; nil: nothing was drawn.
    public var utilisation: Double? { slots > 0 ? Double(busySlots) / Double(slots) : nil }
}
