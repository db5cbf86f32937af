/// A paper's claim at small scale: arms that differ in what the claim is about, and what is compared. `apus prove` runs it.
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
        /// The mean of the training return over the run.
        case meanReturn
        /// Environment steps until the training return first reaches `stop.return`; the run's limit where it never does. Less is better.
        case framesToReturn
        /// The last value of a metric.
        case metric(String)
    }

    /// What the claim says of the means over the seeds.
    public enum Verdict: Sendable {
        /// The first arm is better than the second by more than the spread: the lower end of the 90 % interval of the difference of means
        /// is above 0.
        case better(String, than: String)
        /// The first arm reaches at least this share of the second.
        case atLeast(Double, String, of: String)
        /// The first arm stays below this share of the second.
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
