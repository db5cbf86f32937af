import Glibc

/// What actors do for one task: how many responses, which are forks of others, and which groups are left out.
public struct GroupPlan: Sendable, Hashable {
    /// Where responses branch. A fork stands in its group after its parent: `parent` is the parent's index, `firstOwnToken` the position n at
    /// which it branches, and its first n tokens are the parent's, with what was recorded of them. It was drawn from the state before
    /// token n. Its reward is its own.
    public enum Forks: Sendable, Hashable {
        case none
        /// SPO-chain (S135): the group has `GroupPlan.responses` responses from the prompt. When one of them has ended, `samples` forks of it are
        /// drawn to their end at each of its `cuts`; their mean reward is the value of the prefix. They are not trained on.
        case chain(interval: Int, threshold: Float, samples: Int)
        /// SPO-tree (S135): the prompt has `widths[0]` children of `tokens` tokens each, each of those that has not ended `widths[1]`, and so
        /// on; those of the last level go on to the end. The first child of a node is the node's own response, which goes on; the
        /// others are forks of it. So every edge is the own part of exactly one response, and there are at most `widths.product`
        /// responses; `GroupPlan.responses` is not used.
        case tree(widths: [Int], tokens: Int)

        /// Where a response is cut in a chain: before every `interval`-th of its critical tokens, those that the policy drew with a
        /// probability below `threshold`. The start is no cut.
        public static func cuts(logProbs: [Float], roles: [TokenRole], interval: Int, threshold: Float) -> [Int] {
            let critical = logProbs.indices.filter { (roles[$0] == .policy || roles[$0] == .control) && logProbs[$0] < logf(threshold) }
            return stride(from: max(interval, 1) - 1, to: critical.count, by: max(interval, 1)).map { critical[$0] }.filter { $0 > 0 }
        }
    }

    /// G: responses of one group; 1: a single stream.
    public var responses = 8
    /// One greedy response more, as a baseline (ReMax).
    public var greedyBaseline = false
    /// Groups whose rewards are all equal are left out, and others drawn in their place (DAPO).
    public var leavesOutEqual = false
    /// After so many in a row the next group is taken whatever its rewards: no policy can stop the run.
    public var mostLeftOut = 16
    public var forks = Forks.none
    /// Tokens that every slot draws before what there is of its response is shipped; 0: responses are shipped whole (T-PPO, S037).
    public var window = 0
    /// Responses of each group that are the environment's demonstrations instead of draws.
    public var demonstrations = 0
    /// Rollouts carry the entropy of every token's distribution.
    public var keepsEntropy = false
    /// The first token of a response is a choice of mode (`TokenRole.control`).
    public var firstTokenIsControl = false
    /// τ: how far a token's temperature follows the entropy of its distribution; 0: not at all (HAPO, S110). Which entropies count as high
    /// comes with the weights: `AdaptiveTemperature`.
    public var adaptiveTemperature: Float = 0
    /// Before the run, the initial policy draws so many responses to every task of it. A task that all of them solve is drawn no more; one of
    /// its responses is stored, with its log-probabilities, and comes back as a group of one of the source `.dataset`. 0: nothing is
    /// stored (DPH-RL, S127).
    public var storedAttempts = 0
    /// The share of a batch's groups that are stored responses.
    public var storedShare: Float = 0
    /// Shares of a demonstration, ascending: responses begin with the first, and a group without a correct response is drawn anew behind the next
    /// (GHPO, S029). What is forced is a part of the response that nobody drew: its role is `.forced`, that of a tool's reply in it
    /// `.environment`. What was drawn before is thrown away. Empty: no hints, as [0].
    public var hints: [Float] = []
    /// Correct responses that the learner keeps of each task, the latest ones. In a group without a correct response one of them takes the
    /// place of the first, with its own log-probabilities and versions, and the source `.replay` (ARPO, S139). 0: none.
    public var replayedSuccesses = 0
    /// A kept response is given back for so many updates at most, counted from its oldest token.
    public var replayedLag = 100

    public init(responses: Int = 8) { self.responses = responses }
}
