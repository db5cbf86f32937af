import Platform
import Tensors

/// What a learner expects of every rollout of responses.
public struct ResponseShape: Sendable, Hashable {
    /// Tokens are 0 ..< this.
    public var vocabulary: Int
    /// The longest prompt with its response.
    public var context: Int
    /// Tasks are numbered below this.
    public var tasks: UInt32
    /// The reward and its parts: no rollout has more.
    public var rewards: Int

    public init(vocabulary: Int, context: Int, tasks: UInt32, rewards: Int) {
        self.vocabulary = vocabulary
        self.context = context
        self.tasks = tasks
        self.rewards = rewards
    }
}

extension ResponseBlock {
    /// Checks everything that the learner relies on: after this, all counts agree, no token is outside of the vocabulary, no sequence beyond
    /// the context, no number infinite or NaN, and every code means something.
    func validate(_ expected: ResponseShape, _ id: RolloutID, version: UInt64) throws(RolloutError) {
        let agree = "Actor and learner must be of one version and run one environment."
        func refuse(_ column: Column, _ problem: String, isNonFinite: Bool = false) -> RolloutError {
            RolloutError(id, column.name, problem, remedy: agree, isNonFinite: isNonFinite)
        }
        func check(_ column: Column, _ type: ElementType, _ shape: [Int]) throws(RolloutError) {
            guard column.type == type, column.shape == shape else {
                throw refuse(column, "\(column.type) \(column.shape) in place of \(type) \(shape)")
            }
        }
        let (q, r, n) = (groups.shape.first ?? 0, responses.shape.first ?? 0, tokens.elementCount)
        try check(groups, .int32, [q, Self.groupFields])
        try check(responses, .int32, [r, Self.responseFields])
        guard rewards.shape.count == 2, (1...expected.rewards).contains(rewards.shape[1]) else {
            throw refuse(rewards, "\(rewards.shape) for at most \(expected.rewards) rewards a response")
        }
        try check(rewards, .float32, [r, rewards.shape[1]])
        try check(prompts, .int32, [prompts.elementCount])
        for (column, type) in [(tokens, ElementType.int32), (logProbs, .float32), (ages, .int32), (roles, .uint8)] { try check(column, type, [n]) }
        try check(entropies, .float32, [entropies.elementCount == 0 ? 0 : n])
        for column in [rewards, logProbs, entropies] {
            if let bad = column.firstIndex(of: Float.self, where: { !$0.isFinite }) {
                throw refuse(column, "element \(bad) is \(column.element(bad, Float.self))", isNonFinite: true)
            }
        }
        guard q > 0 else { throw refuse(groups, "no group") }
        try checkCounts(expected, refuse)
        for column in [prompts, tokens] {
            if let bad = column.firstIndex(of: Int32.self, where: { $0 < 0 || Int($0) >= expected.vocabulary }) {
                throw refuse(column, "element \(bad) is \(column.element(bad, Int32.self)), the vocabulary is 0 ..< \(expected.vocabulary)")
            }
        }
        if let bad = logProbs.firstIndex(of: Float.self, where: { $0 > 1e-3 }) {
            throw refuse(logProbs, "element \(bad) is \(logProbs.element(bad, Float.self)), the logarithm of a probability above 1")
        }
        if let bad = ages.firstIndex(of: Int32.self, where: { $0 < 0 || UInt64($0) > version }) {
            throw refuse(ages, "element \(bad) is \(ages.element(bad, Int32.self)) in a rollout of version \(version)")
        }
        if let bad = roles.firstIndex(of: UInt8.self, where: { TokenRole(rawValue: $0) == nil }) {
            throw refuse(roles, "element \(bad) is \(roles.element(bad, UInt8.self)), which is no role")
        }
    }

    private func checkCounts(_ expected: ResponseShape, _ refuse: (Column, String, Bool) -> RolloutError) throws(RolloutError) {
        let (counts, facts) = (groups.bytes.array(of: Int32.self), responses.bytes.array(of: Int32.self))
        var (prompt, response, token) = (0, 0, 0)
        for group in 0..<groups.shape[0] {
            let at = group * Self.groupFields
            let (length, members) = (Int(counts[at + 2]), Int(counts[at + 3]))
            guard UInt32(bitPattern: counts[at]) < expected.tasks, (0...Int32(UInt16.max)).contains(counts[at + 1]) else {
                throw refuse(groups, "group \(group) is of task \(UInt32(bitPattern: counts[at])), level \(counts[at + 1])", false)
            }
            let leftOut = counts[at + 5..<at + 9]
            guard leftOut.allSatisfy({ $0 >= 0 }), counts[at + 7] <= counts[at + 6], counts[at + 6] < 2 * LeftOut.mostResponses else {
                throw refuse(groups, "group \(group) left out groups, responses, correct ones and tokens: \(Array(leftOut))", false)
            }
            let swapped = Int(counts[at + 4])
            guard (0...expected.context).contains(swapped) else {
                throw refuse(groups, "group \(group) has \(swapped) tokens of a prompt to train under", false)
            }
            guard (1...expected.context).contains(length), (1...responses.shape[0]).contains(members), response + members <= responses.shape[0] else {
                throw refuse(groups, "group \(group) has \(length) tokens of prompt and \(members) responses", false)
            }
            for index in 0..<members {
                let fact = (response + index) * Self.responseFields
                let count = Int(facts[fact])
                guard count >= 0, max(length, swapped) + count <= expected.context, token + count <= tokens.elementCount else {
                    throw refuse(responses, "response \(response + index) has \(count) tokens, the context is \(expected.context)", false)
                }
                guard (0...1).contains(facts[fact + 1]), (0...1).contains(facts[fact + 7]),
                    UInt8(exactly: facts[fact + 3]).flatMap(ResponseEnd.init) != nil, UInt8(exactly: facts[fact + 4]).flatMap(DataSource.init) != nil,
                    (-1..<Int32(members)).contains(facts[fact + 5]), (0...Int32(count)).contains(facts[fact + 6])
                else { throw refuse(responses, "response \(response + index) is \(facts[fact..<fact + Self.responseFields].map { $0 })", false) }
                token += count
            }
            prompt += length + swapped
            response += members
        }
        guard prompt == prompts.elementCount, response == responses.shape[0], token == tokens.elementCount else {
            throw refuse(groups, "groups of \(prompt) tokens of prompts, \(response) responses and \(token) tokens", false)
        }
    }
}
