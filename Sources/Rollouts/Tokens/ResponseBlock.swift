import Platform
import Tensors

/// The columns of a rollout of responses: Q groups, R responses, N tokens of responses, P tokens of prompts.
public struct ResponseBlock: Sendable {
    /// [Q, 9] int32: task, level, tokens of the prompt, responses, tokens of the prompt to train under (0: the same one); of what was left out
    /// before it: groups, responses, correct ones, tokens.
    public let groups: Column
    /// [P] int32: of each group the prompt, and the one to train under.
    public let prompts: Column
    /// [R, 8] int32: tokens, whether it is correct, answer, end, source, parent, first own token, whether it is a baseline.
    public let responses: Column
    /// [R, C] float32: the reward, and its parts.
    public let rewards: Column
    /// [N] int32
    public let tokens: Column
    /// [N] float32
    public let logProbs: Column
    /// [N] int32: how many versions older than the rollout's the version is that drew it.
    public let ages: Column
    /// [N] uint8
    public let roles: Column
    /// [N] float32, or empty
    public let entropies: Column
    /// What it took to draw them. Not a column: it travels in the header.
    public var work = DecodingWork()

    /// In the order in which they travel.
    public var columns: [Column] { [groups, prompts, responses, rewards, tokens, logProbs, ages, roles, entropies] }
    public static let groupFields = 9
    public static let responseFields = 8

    public init(
        groups: Column, prompts: Column, responses: Column, rewards: Column, tokens: Column, logProbs: Column, ages: Column, roles: Column,
        entropies: Column
    ) {
        self.groups = groups
        self.prompts = prompts
        self.responses = responses
        self.rewards = rewards
        self.tokens = tokens
        self.logProbs = logProbs
        self.ages = ages
        self.roles = roles
        self.entropies = entropies
    }

    /// From columns by their names; nil where one is missing.
    public init?(columns: [Column]) {
        let names = ["groups", "prompts", "responses", "rewards", "tokens", "log_probs", "ages", "roles", "entropies"]
        let found = names.compactMap { name in columns.first { $0.name == name } }
        guard found.count == names.count else { return nil }
        self.init(
            groups: found[0], prompts: found[1], responses: found[2], rewards: found[3], tokens: found[4], logProbs: found[5], ages: found[6],
            roles: found[7], entropies: found[8])
    }

    /// - Parameter version: of the rollout: no token is of a newer one.
    public init(_ groups: [ResponseGroup], version: UInt64) {
        let responses = groups.flatMap(\.responses)
        let parts = responses.map(\.rewards.count).max() ?? 1
        let counts = groups.flatMap {
            [
                Int32(bitPattern: $0.task), Int32($0.difficulty), Int32($0.prompt.count), Int32($0.responses.count),
                Int32($0.trainingPrompt.count),
            ] + [$0.leftOut.groups, $0.leftOut.responses, $0.leftOut.correct, $0.leftOut.tokens].map { Int32(clamping: $0) }
        }
        let facts = responses.flatMap { one -> [Int32] in
            [
                Int32(one.tokens.count), one.isCorrect ? 1 : 0, one.answer, Int32(one.end.rawValue), Int32(one.source.rawValue), one.parent,
                Int32(one.firstOwnToken), one.isBaseline ? 1 : 0,
            ]
        }
        let tokens = responses.flatMap(\.tokens)
        let entropies = responses.flatMap(\.entropies)
        self.init(
            groups: Column("groups", counts, [groups.count, Self.groupFields]),
            prompts: Column("prompts", groups.flatMap { $0.prompt + $0.trainingPrompt }),
            responses: Column("responses", facts, [responses.count, Self.responseFields]),
            rewards: Column(
                "rewards", responses.flatMap { $0.rewards + [Float](repeating: 0, count: parts - $0.rewards.count) }, [responses.count, parts]),
            tokens: Column("tokens", tokens), logProbs: Column("log_probs", responses.flatMap(\.logProbs)),
            ages: Column("ages", responses.flatMap { $0.versions.map { Int32(clamping: version - min($0, version)) } }),
            roles: Column("roles", responses.flatMap { $0.roles.map(\.rawValue) }),
            entropies: Column("entropies", entropies.count == tokens.count ? entropies : []))
    }

    /// The groups, as they were. The columns must have been validated.
    public func decoded(version: UInt64) -> [ResponseGroup] {
        let (counts, facts) = (groups.bytes.array(of: Int32.self), responses.bytes.array(of: Int32.self))
        let (prompts, tokens, ages) = (prompts.bytes.array(of: Int32.self), tokens.bytes.array(of: Int32.self), ages.bytes.array(of: Int32.self))
        let (rewards, logProbs) = (rewards.bytes.array(of: Float.self), logProbs.bytes.array(of: Float.self))
        let (roles, entropies) = (roles.bytes.array(of: UInt8.self), entropies.bytes.array(of: Float.self))
        let parts = self.rewards.shape[1]
        var (prompt, response, token) = (0, 0, 0)
        return (0..<self.groups.shape[0]).map { group in
            let count = counts[group * Self.groupFields..<(group + 1) * Self.groupFields].map { $0 }
            let swap = prompt + Int(count[2])
            defer { prompt = swap + Int(count[4]) }
            let members = (0..<Int(count[3])).map { _ -> GroupResponse in
                let fact = facts[response * Self.responseFields..<(response + 1) * Self.responseFields].map { $0 }
                let span = token..<token + Int(fact[0])
                defer { (response, token) = (response + 1, span.upperBound) }
                return GroupResponse(
                    tokens: Array(tokens[span]), logProbs: Array(logProbs[span]), versions: ages[span].map { version - UInt64($0) },
                    roles: roles[span].map { TokenRole(rawValue: $0)! }, entropies: entropies.isEmpty ? [] : Array(entropies[span]),
                    rewards: Array(rewards[response * parts..<(response + 1) * parts]), isCorrect: fact[1] == 1, answer: fact[2],
                    end: ResponseEnd(rawValue: UInt8(fact[3]))!, source: DataSource(rawValue: UInt8(fact[4]))!, parent: fact[5],
                    firstOwnToken: Int(fact[6]), isBaseline: fact[7] == 1)
            }
            return ResponseGroup(
                task: UInt32(bitPattern: count[0]), difficulty: UInt16(count[1]), prompt: Array(prompts[prompt..<swap]),
                trainingPrompt: Array(prompts[swap..<swap + Int(count[4])]), responses: members,
                leftOut: LeftOut(groups: UInt32(count[5]), responses: UInt32(count[6]), correct: UInt32(count[7]), tokens: UInt32(count[8])))
        }
    }
}

extension Column {
    init<Element: BitwiseCopyable>(_ name: String, _ values: [Element], _ shape: [Int]? = nil) {
        let type: ElementType = Element.self == Float.self ? .float32 : Element.self == UInt8.self ? .uint8 : .int32
        self.init(name, type, shape ?? [values.count], values.withUnsafeBytes { SharedBytes(copying: $0) })
    }
}
