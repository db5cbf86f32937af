import Environments
import Networks
import Rollouts

/// A group of which some responses are still being drawn.
struct OpenGroup {
    struct Member {
        var tokens: [Int32] = []
        var logProbs: [Float] = []
        var entropies: [Float] = []
        var versions: [UInt64] = []
        var roles: [TokenRole] = []
        var end = ResponseEnd.open
        var source = DataSource.live
        var isBaseline = false
        /// Turns that were asked for, with those that were begun anew: part of what names the random numbers.
        var requests: UInt64 = 0
        /// The member that it was forked from; -1: none.
        var parent = -1
        /// The token at which it left its parent.
        var forkedAt = 0
        /// In a tree: how many nodes lie above its next tokens.
        var level = 0
        /// How many of the tokens were shipped in a rollout before.
        var shipped = 0
        /// Whether its end was shipped too.
        var isShipped = false

        /// The tokens that it began with.
        var hinted: Int { roles.prefix { $0 == .forced || $0 == .environment }.count }

        /// Adds what the policy drew.
        mutating func take(_ response: Response, control: Bool) {
            for (index, change) in response.versions.enumerated() {
                let end = index + 1 < response.versions.count ? response.versions[index + 1].token : response.tokens.count
                versions += Array(repeating: change.version, count: end - change.token)
            }
            roles += response.tokens.indices.map { control && tokens.isEmpty && $0 == 0 ? .control : .policy }
            tokens += response.tokens
            logProbs += response.logProbs
            entropies += response.entropies
        }

        /// Adds what nobody drew.
        mutating func append(_ others: [Int32], _ role: TokenRole, version: UInt64, keepsEntropy: Bool) {
            tokens += others
            logProbs += Array(repeating: 0, count: others.count)
            if keepsEntropy { entropies += Array(repeating: 0, count: others.count) }
            versions += Array(repeating: version, count: others.count)
            roles += Array(repeating: role, count: others.count)
        }
    }

    /// The members that are drawn from the prompt: all but demonstrations and forks.
    var roots: [Int] { members.indices.filter { members[$0].source == .live && members[$0].parent < 0 } }

    /// Begins the members that are drawn anew, behind a hint. They go on with the random numbers that they have not used.
    mutating func begin(behind hint: Hint, version: UInt64, keepsEntropy: Bool) {
        for root in roots {
            var member = Member()
            (member.isBaseline, member.requests) = (members[root].isBaseline, members[root].requests)
            for (token, role) in zip(hint.tokens, hint.roles) { member.append([token], role, version: version, keepsEntropy: keepsEntropy) }
            members[root] = member
        }
    }

    /// A member that begins as another one did, up to a token.
    func fork(_ parent: Int, at token: Int, level: Int = 0) -> Member {
        let from = members[parent]
        var member = Member()
        member.tokens = Array(from.tokens[..<token])
        member.logProbs = Array(from.logProbs[..<token])
        member.entropies = Array(from.entropies.prefix(token))
        member.versions = Array(from.versions[..<token])
        member.roles = Array(from.roles[..<token])
        (member.parent, member.forkedAt, member.level) = (parent, token, level)
        return member
    }

    let number: UInt64
    let task: TokenTask
    /// What is responded to.
    let prompt: [Int32]
    /// Which of the plan's hints its responses begin with.
    var stage = 0
    var members: [Member] = []

    /// Whether it needed a hint, where hints are for failures alone: then it has not solved the task.
    func isHelped(_ plan: GroupPlan) -> Bool { plan.hints.first == 0 && stage > 0 }

    var isComplete: Bool { members.allSatisfy { $0.end != .open } }

    func shipped(_ responses: [GroupResponse], leftOut: LeftOut = LeftOut()) -> ResponseGroup {
        let swapped = task.trainingPrompt.flatMap { $0 == prompt ? nil : $0 }
        return ResponseGroup(
            task: task.id, difficulty: task.difficulty, prompt: prompt, trainingPrompt: swapped ?? [], responses: responses, leftOut: leftOut)
    }
}
