/// A paper's claim at small scale: arms that differ in what the claim is about, and what is compared. `apus prove` runs it.
///
/// Every arm is trained in turns with each of the seeds 1, 2, …, for all of `stop.frames`, solved or not; only where frames are what is
/// measured, a run ends when its training return is at `stop.return`.
public struct Proof: Sendable {
    /// One way to train.
    public struct Arm: Sendable {
        public let name: String
        /// Changes to the proof's run, as on the command line: "method.id=ppo".
        public let changes: [String]
        /// Every rollout is acted by the policy of so many updates before the one that trains on it.
        public let lag: Int

        public init(_ name: String, _ changes: [String] = [], lag: Int = 0) {
            self.name = name
            self.changes = changes
            self.lag = lag
        }
    }

    /// What is measured of a run.
    public enum Measure: Sendable, Hashable {
        /// The mean return of evaluation episodes of the last version.
        case finalReturn
        /// The mean of the training return over the run: of 100 points at equal numbers of frames.
        case meanReturn
        /// Environment steps until the training return first reaches `stop.return`; the run's limit where it never does. Less is better.
        case framesToReturn
        /// The mean of a metric of the learner over the last tenth of the run. Greater counts as better.
        case metric(String)
    }

    /// What the claim says of the means over the seeds. It holds where the whole 90 % interval of the difference (by bootstrap) says so, it does
    /// not where the whole interval denies it, and it is undecided where the interval straddles.
    ///
    /// Of a mean below 0, the share is what lies further from the best: 0.9 of −90 is −100.
    public enum Verdict: Sendable {
        /// The first arm is better than the second by more than the spread.
        case better(String, than: String)
        /// The first arm's number is at least this share of the second's.
        case atLeast(Double, String, of: String)
        /// The first arm's number stays below this share of the second's.
        case below(Double, String, of: String)
    }

    /// What the paper says, in a sentence.
    public let claim: String
    /// A preset or environment settings that all arms share, as changes to the preset `run`.
    public let run: String
    public let changes: [String]
    public let arms: [Arm]
    public let measure: Measure
    public let verdicts: [Verdict]
    public let seeds: Int

    public init(
        claim: String, run: String, changes: [String] = [], arms: [Arm], measure: Measure, verdicts: [Verdict], seeds: Int = 5
    ) {
        self.claim = claim
        self.run = run
        self.changes = changes
        self.arms = arms
        self.measure = measure
        self.verdicts = verdicts
        self.seeds = seeds
    }
}
