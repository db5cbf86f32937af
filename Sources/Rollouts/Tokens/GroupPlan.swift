/// What actors do for one task: how many responses, which are forks of others, and which groups are left out.
public struct GroupPlan: Sendable, Hashable {
    /// Where responses branch.
    public enum Forks: Sendable, Hashable {
        case none
        /// At every `interval`-th token that was drawn with less than `threshold`, `samples` continuations estimate the value of the
        /// prefix (SPO-chain, S135). The continuations are shipped with their parent.
        case chain(interval: Int, threshold: Float, samples: Int)
        /// Every node has that many children of `tokens` tokens each; those of the last level go on to the end (SPO-tree, S135).
        case tree(widths: [Int], tokens: Int)
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
    /// τ: how far a token's temperature follows the entropy of its distribution; 0: not at all (HAPO, S110).
    public var adaptiveTemperature: Float = 0

    public init(responses: Int = 8) { self.responses = responses }
}
