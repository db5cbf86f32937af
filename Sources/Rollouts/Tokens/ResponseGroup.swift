/// Who made a token of a response.
public enum TokenRole: UInt8, Sendable, Hashable, CaseIterable {
    /// Drawn from the policy.
    case policy = 0
    /// Appended by the environment: the answer of a tool. Never in a loss.
    case environment
    /// Put there by the group program: a fork's prefix, a demonstration. In a loss only where the method says so.
    case forced
    /// Drawn from the policy, and a choice of mode rather than of content (S172).
    case control
}

/// How a response has ended.
public enum ResponseEnd: UInt8, Sendable, Hashable, CaseIterable {
    /// Not yet: a part of a response that goes on in a later rollout.
    case open = 0
    /// With the stop token.
    case stopped
    /// At the longest response or the end of the context.
    case length
    /// The verifier failed or did not answer in time: the response has no reward and is not trained on.
    case unverified
}

/// One response of a group, as it was drawn and judged.
public struct GroupResponse: Sendable, Hashable {
    /// Without the prompt.
    public var tokens: [Int32]
    /// Of each token under the distribution that it was drawn from; 0 where the policy did not draw it.
    public var logProbs: [Float]
    /// The policy version that drew each token.
    public var versions: [UInt64]
    public var roles: [TokenRole]
    /// Of the distribution that each token was drawn from, in nats; empty unless the method asks for it.
    public var entropies: [Float]
    /// The first is what counts; those after it are its parts, as the environment names them.
    public var rewards: [Float]
    /// What the verifier says, whatever the reward is made of.
    public var isCorrect: Bool
    /// Names what was answered: equal answers have equal keys; −1 where there is none.
    public var answer: Int32
    public var end: ResponseEnd
    public var source: DataSource
    /// The response of this group that it was forked from, by index; −1: none.
    public var parent: Int32
    /// The token from which on it is its own: those before are its parent's, or were shipped in an earlier rollout.
    public var firstOwnToken: Int
    /// Drawn greedily, as a baseline for the others: not trained on (ReMax).
    public var isBaseline: Bool

    /// Whether it was drawn for this rollout, and judged.
    public var isFresh: Bool { source == .live && !isBaseline && (end == .stopped || end == .length) }

    public init(
        tokens: [Int32], logProbs: [Float], versions: [UInt64], roles: [TokenRole], entropies: [Float] = [], rewards: [Float],
        isCorrect: Bool, answer: Int32 = -1, end: ResponseEnd = .stopped, source: DataSource = .live, parent: Int32 = -1,
        firstOwnToken: Int = 0, isBaseline: Bool = false
    ) {
        self.tokens = tokens
        self.logProbs = logProbs
        self.versions = versions
        self.roles = roles
        self.entropies = entropies
        self.rewards = rewards
        self.isCorrect = isCorrect
        self.answer = answer
        self.end = end
        self.source = source
        self.parent = parent
        self.firstOwnToken = firstOwnToken
        self.isBaseline = isBaseline
    }

    public var reward: Float { rewards.first ?? 0 }
}

/// Responses to one task, judged together: what group-relative methods learn from.
public struct ResponseGroup: Sendable, Hashable {
    /// The task's stable number in its environment.
    public var task: UInt32
    /// The environment's level of the task, from 0.
    public var difficulty: UInt16
    /// What was responded to.
    public var prompt: [Int32]
    /// What the learner takes for the prompt: log π is that of the responses behind it, while `logProbs` are those behind `prompt`. Empty: the
    /// prompt itself.
    public var trainingPrompt: [Int32]
    public var responses: [GroupResponse]
    /// What was drawn and left out by dynamic sampling since the group before this.
    public var leftOut: LeftOut

    public init(
        task: UInt32, difficulty: UInt16 = 0, prompt: [Int32], trainingPrompt: [Int32] = [], responses: [GroupResponse], leftOut: LeftOut = LeftOut()
    ) {
        self.task = task
        self.difficulty = difficulty
        self.prompt = prompt
        self.trainingPrompt = trainingPrompt
        self.responses = responses
        self.leftOut = leftOut
    }

    /// The prompt that is trained under.
    public var trainedPrompt: [Int32] { trainingPrompt.isEmpty ? prompt : trainingPrompt }

    /// The tokens that a policy drew for it.
    public var drawnTokens: Int {
        responses.reduce(0) { $0 + $1.roles[min($1.firstOwnToken, $1.roles.count)...].count { $0 == .policy || $0 == .control } }
    }
}
