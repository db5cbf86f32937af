/// How many rollouts may be under way where the run file does not say.
///
/// The actors must be able to make one update's rollouts while another's are trained on. Beyond that, with too few of them an actor waits for the
/// way there and back, which small rollouts are not long enough to hide; with too many, data gets old for nothing. What counts is how much is under
/// way over all actors: many of them hide each other's waits.
extension RunSpec {
    /// Of each actor, at least.
    public var credits: Int { actors.credits ?? 2 }

    /// Of all actors together, at least.
    public var creditsTogether: Int {
        guard actors.credits == nil else { return 0 }
        let twoUpdates = 2 * learner.rolloutsPerUpdate
        // The steps of a token policy are long.
        guard !isTokenRun else { return twoUpdates }
        let (steps, isMany) = actors.slots.multipliedReportingOverflow(by: actors.unroll)
        return max(twoUpdates, isMany ? 0 : min((Self.stepsUnderWay + steps - 1) / steps, Self.mostForTheWay))
    }

    /// About ten milliseconds of a fast environment: longer than any round trip between hosts of one network.
    private static let stepsUnderWay = 10_000
    /// Policy lag grows with them, in updates of one rollout.
    private static let mostForTheWay = 8
}
