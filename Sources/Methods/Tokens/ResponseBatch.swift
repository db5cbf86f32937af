import Rollouts

/// Groups of responses, with every token of all responses numbered in one row: group by group, response by response.
///
/// N tokens, R responses, Q groups. Baselines (`GroupResponse.isBaseline`) are responses like the others here; their tokens have mask 0.
public struct ResponseBatch: Sendable {
    public let groups: [ResponseGroup]
    /// R
    public let responses: [GroupResponse]
    /// The tokens of each response among all.
    public let spans: [Range<Int>]
    /// The responses of each group among all.
    public let members: [Range<Int>]
    /// The group of each response.
    public let group: [Int]
    /// The response of each token.
    public let response: [Int]

    /// [N] log μ: under the distributions that the tokens were drawn from.
    public let behaviour: [Float]
    /// [N] the policy versions that drew them.
    public let versions: [UInt64]
    public let roles: [TokenRole]
    /// [N] 1 for tokens that are trained on: drawn by the policy, in this rollout, in a response that is no baseline and was judged or is open.
    public let mask: [Float]
    /// [N] as the actor saw them; empty where it was not asked to keep them.
    public let entropies: [Float]

    public init(_ groups: [ResponseGroup]) {
        self.groups = groups
        let responses = groups.flatMap(\.responses)
        self.responses = responses
        let count = responses.reduce(0) { $0 + $1.tokens.count }
        var (spans, members, group) = ([Range<Int>](), [Range<Int>](), [Int]())
        var (response, behaviour, versions, roles, mask, entropies) = ([Int](), [Float](), [UInt64](), [TokenRole](), [Float](), [Float]())
        response.reserveCapacity(count)
        behaviour.reserveCapacity(count)
        versions.reserveCapacity(count)
        roles.reserveCapacity(count)
        mask.reserveCapacity(count)
        for (number, one) in groups.enumerated() {
            members.append(group.count..<group.count + one.responses.count)
            group += Array(repeating: number, count: one.responses.count)
        }
        for (number, one) in responses.enumerated() {
            spans.append(response.count..<response.count + one.tokens.count)
            response += Array(repeating: number, count: one.tokens.count)
            behaviour += one.logProbs
            versions += one.versions
            roles += one.roles
            entropies += one.entropies
            let counts = !one.isBaseline && one.end != .unverified
            for (token, role) in one.roles.enumerated() {
                mask.append(counts && token >= one.firstOwnToken && (role == .policy || role == .control) ? 1 : 0)
            }
        }
        (self.spans, self.members, self.group, self.response) = (spans, members, group, response)
        (self.behaviour, self.versions, self.roles, self.mask) = (behaviour, versions, roles, mask)
        self.entropies = entropies.count == count ? entropies : []
    }

    /// N
    public var count: Int { response.count }
    /// Of each response, as the environment gave them.
    public var rewards: [Float] { responses.map(\.reward) }
    /// Responses of a group that draws are compared by: without baselines and without those that have no reward.
    public func judged(_ group: Int) -> [Int] {
        members[group].filter { !responses[$0].isBaseline && responses[$0].end != .unverified && responses[$0].end != .open }
    }
    /// Those of them that no update has seen before: what records of tasks count.
    public func fresh(_ group: Int) -> [Int] { judged(group).filter { responses[$0].source != .replay } }
    /// The tokens of a response that a policy drew, in this rollout or in one before it, in order.
    public func drawn(_ response: Int) -> [Int] { spans[response].filter { roles[$0] == .policy || roles[$0] == .control } }
    /// The greedy response of a group, if it was judged.
    public func baseline(_ group: Int) -> Int? {
        members[group].first { responses[$0].isBaseline && responses[$0].end != .unverified && responses[$0].end != .open }
    }
}
