import Rollouts

/// Where the responses of one group branch from each other (`GroupPlan.Forks`): what values of prefixes are made of.
///
/// A node is a position in a response, at or after its first own token: the state before that token. The prompt is the node of no response.
struct ForkTree {
    struct Node: Hashable {
        var response: Int
        var position: Int
    }

    let batch: ResponseBatch
    /// Those that were judged.
    private let judged: Set<Int>
    /// The responses that branch off at each node.
    private var branches: [Node: [Int]] = [:]
    /// Those drawn from the prompt itself.
    private(set) var roots: [Int] = []
    /// The node that each response branches off at; nil: the prompt.
    private var starts: [Int: Node] = [:]

    init(_ batch: ResponseBatch, group: Int) {
        self.batch = batch
        judged = Set(batch.judged(group))
        let members = batch.members[group]
        for response in members where judged.contains(response) {
            let node = ForkTree.start(response, batch, members)
            starts[response] = node
            if let node { branches[node, default: []].append(response) } else { roots.append(response) }
        }
    }

    /// A fork at the first own token of its parent is a branch of the node that the parent itself began at.
    private static func start(_ response: Int, _ batch: ResponseBatch, _ members: Range<Int>) -> Node? {
        let position = batch.responses[response].firstOwnToken
        var (child, parent) = (response, members.lowerBound + Int(batch.responses[response].parent))
        while batch.responses[child].parent >= 0, parent < child {
            if position > batch.responses[parent].firstOwnToken { return Node(response: parent, position: position) }
            (child, parent) = (parent, members.lowerBound + Int(batch.responses[parent].parent))
        }
        return nil
    }

    /// The responses that branch off at a node.
    func forks(_ node: Node) -> [Int] { branches[node] ?? [] }
    /// Where others branch off from a response's own tokens, in order.
    func cuts(_ response: Int) -> [Int] {
        branches.keys.filter { $0.response == response && $0.position < batch.spans[response].count }.map(\.position).sorted()
    }
    func start(_ response: Int) -> Node? { starts[response] ?? nil }

    /// The parts of a response's own tokens between the nodes on it.
    func edges(_ response: Int) -> [Range<Int>] {
        let bounds = [start(response)?.position ?? 0] + cuts(response) + [batch.spans[response].count]
        return zip(bounds, bounds.dropFirst()).filter { $0 < $1 }.map { $0..<$1 }
    }

    /// The values of the ends of all edges that leave a node: the node's own response goes on, others branch off. nil: the prompt.
    func children(_ node: Node?, _ reward: [Float]) -> [Float] {
        let others = (node.map { forks($0) } ?? roots).map { endValue($0, from: node?.position ?? 0, reward) }
        guard let node, judged.contains(node.response) else { return others }
        return [endValue(node.response, from: node.position, reward)] + others
    }

    /// The value of the end of the edge of a response that begins at a position: the mean of its children, or the response's reward.
    func endValue(_ response: Int, from position: Int, _ reward: [Float]) -> Float {
        guard let end = cuts(response).first(where: { $0 > position }) else { return reward[response] }
        return GroupStatistics(children(Node(response: response, position: end), reward)).mean
    }
}

/// What segment advantages share: tokens that were nearly certain teach nothing about the segment. Their advantage is 0, and they are in no loss
/// and no mean (S135).
struct CertainTokens {
    /// Tokens with a greater probability under the behaviour policy are left out; 1: none.
    var threshold: Float

    func leaveOut(_ work: inout TokenWork) {
        guard threshold < 1 else { return }
        let limit = naturalLogarithm(threshold)
        for token in 0..<work.batch.count where work.batch.behaviour[token] > limit { (work.mask[token], work.advantage[token]) = (0, 0) }
    }
}
