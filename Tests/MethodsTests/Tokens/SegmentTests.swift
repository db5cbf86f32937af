import Methods
import Rollouts
import TestSupport
import Testing

/// Segment policy optimisation, in chains and in trees (S135).
@Suite struct SegmentTests {
    private func fork(of parent: Int32, at position: Int, _ reward: Float, length: Int) -> GroupResponse {
        var one = TokenGroups.response(reward, length: length)
        (one.parent, one.firstOwnToken) = (parent, position)
        return one
    }

    @Test func chain() {
        let responses =
            [TokenGroups.response(1, length: 6), TokenGroups.response(0, length: 2)] + [
                fork(of: 0, at: 2, 1, length: 5), fork(of: 0, at: 2, 0, length: 5), fork(of: 0, at: 4, 1, length: 5), fork(of: 0, at: 4, 1, length: 5),
            ]
        var work = TokenGroups.work([ResponseGroup(task: 0, prompt: [0], responses: responses)])
        ChainAdvantages().apply(&work)
        // V: 0 of the prompt (by the other response), ½ after two tokens, 1 after four; the other response has the first one's 1 to be compared with.
        let expected: [Float] = [0.5, 0.5, 0.5, 0.5, 0, 0, -1, -1]
        #expect(Array(work.advantage[..<8]) == expected)
        // Forks tell values, and are not trained on.
        #expect(work.mask[..<8].allSatisfy { $0 == 1 } && work.mask[8...].allSatisfy { $0 == 0 })
    }

    @Test func oneSegment() {
        // Forks at the start are further draws from the prompt.
        let responses = [TokenGroups.response(1)] + [1, 0, 0, 0].map { fork(of: 0, at: 0, $0, length: 2) }
        var work = TokenGroups.work([ResponseGroup(task: 0, prompt: [0], responses: responses)])
        ChainAdvantages().apply(&work)
        #expect(Array(work.advantage[..<3]) == [0.75, 0.75, 0.75])
        // Nothing to compare with: no advantage up to the first cut.
        var alone = TokenGroups.work([
            ResponseGroup(task: 0, prompt: [0], responses: [TokenGroups.response(1), fork(of: 0, at: 1, 0, length: 3)])
        ])
        ChainAdvantages().apply(&alone)
        #expect(Array(alone.advantage[..<3]) == [0, 1, 1])
    }

    @Test func certainTokensAreLeftOut() throws {
        var group = TokenGroups.group([1, 0, 1], length: 4)
        group.responses[0].logProbs[1] = -0.05
        group.responses[2].logProbs[3] = -0.02
        for id in ["spo-chain", "spo-tree"] {
            let work = TokenGroups.work([group], for: try tokenMethod(id))
            for token in 0..<12 { #expect((work.mask[token] == 0 && work.advantage[token] == 0) == [1, 11].contains(token), "\(id), \(token)") }
        }
        // Whitened over the tokens that are left.
        let work = TokenGroups.work([group], for: try tokenMethod("spo-chain"))
        let left = (0..<12).filter { work.mask[$0] > 0 }.map { work.advantage[$0] }
        #expect(abs(GroupStatistics(left).mean) < 1e-6 && abs(GroupStatistics(left).sampleDeviation - 1) < 1e-5)
    }

    @Test func cuts() {
        let logProbs: [Float] = [-1, -0.01, -1, 0, -2, -0.5, -0.2, -0.05]
        let roles: [TokenRole] = [.policy, .policy, .policy, .environment, .policy, .policy, .policy, .policy]
        // Critical: 0, 2, 4, 5, 6.
        #expect(GroupPlan.Forks.cuts(logProbs: logProbs, roles: roles, interval: 2, threshold: 0.9) == [2, 5])
        #expect(GroupPlan.Forks.cuts(logProbs: logProbs, roles: roles, interval: 1, threshold: 0.9) == [2, 4, 5, 6])
        #expect(GroupPlan.Forks.cuts(logProbs: logProbs, roles: roles, interval: 9, threshold: 0.9) == [])
    }

    /// One level: GRPO without the standard deviation.
    @Test func shallowTree() {
        let groups = [TokenGroups.group([1, 0, 0.3, 0.7, 0]), TokenGroups.group([1, 0, 1], task: 1, length: 5)]
        var plain = TokenMethod.grpo(scale: .none)
        plain.aggregate = .tokenMean
        let tree = TokenMethod.spoTree(TokenSettings(), widths: [5], credit: TreeAdvantages(certain: 1))
        #expect(tree.gradient(of: groups) == plain.gradient(of: groups))
        let scaled = TokenMethod.spoTree(TokenSettings(), widths: [5], credit: TreeAdvantages(certain: 1, scales: true))
        var grpo = TokenMethod.grpo()
        grpo.aggregate = .tokenMean
        #expect(distance(scaled.gradient(of: groups), grpo.gradient(of: groups)) < 1e-6)
    }

    /// A tree as it is drawn: nested, each node with its children.
    private indirect enum Node {
        case leaf(Float)
        case inner([Node])

        var value: Double {
            switch self {
            case .leaf(let reward): Double(reward)
            case .inner(let children): children.reduce(0) { $0 + $1.value } / Double(children.count)
            }
        }
        static func random(_ depth: Int, _ dice: inout TestSupport.Dice) -> Node {
            // Some responses end early.
            if depth == 0 || dice.chance(0.15) { return .leaf(Float(dice.below(3)) / 2) }
            var children: [Node] = []
            for _ in 0...1 + dice.below(2) { children.append(random(depth - 1, &dice)) }
            return .inner(children)
        }
    }

    /// Responses of a tree as actors ship them: the first child of a node goes on, the others are forks of it. Edges have two tokens.
    private func ship(_ root: Node) -> (responses: [GroupResponse], edges: [(response: Int, place: Int, advantage: Double)]) {
        var (responses, edges): ([GroupResponse], [(Int, Int, Double)]) = ([], [])
        /// - Parameter response: the one that the edge to this node belongs to, so far up to `length` tokens.
        func walk(_ node: Node, _ response: Int, _ length: Int) {
            switch node {
            case .leaf(let reward):
                let (parent, own) = (responses[response].parent, responses[response].firstOwnToken)
                responses[response] = TokenGroups.response(reward, length: length)
                (responses[response].parent, responses[response].firstOwnToken) = (parent, own)
            case .inner(let children):
                let forks = children.dropFirst().map { child -> Int in
                    var one = TokenGroups.response(0)
                    (one.parent, one.firstOwnToken) = (Int32(response), length)
                    responses.append(one)
                    return responses.count - 1
                }
                for (child, owner) in zip(children, [response] + forks) {
                    edges.append((owner, length, child.value - node.value))
                    walk(child, owner, length + 2)
                }
            }
        }
        guard case .inner(let children) = root else { return ([], []) }
        for child in children {
            responses.append(TokenGroups.response(0))
            let owner = responses.count - 1
            edges.append((owner, 0, child.value - root.value))
            walk(child, owner, 2)
        }
        return (responses, edges)
    }

    @Test func deepTree() {
        for seed: UInt64 in 1...20 {
            var dice = TestSupport.Dice(seed)
            var children: [Node] = []
            for _ in 0..<3 { children.append(Node.random(3, &dice)) }
            let root = Node.inner(children)
            let (responses, edges) = ship(root)
            var work = TokenGroups.work([ResponseGroup(task: 0, prompt: [0], responses: responses)])
            TreeAdvantages(certain: 1).apply(&work)
            for edge in edges {
                for place in edge.place..<edge.place + 2 {
                    let token = work.batch.spans[edge.response].lowerBound + place
                    #expect(abs(Double(work.advantage[token]) - edge.advantage) < 1e-5, "seed \(seed)")
                    #expect(work.mask[token] == (abs(edge.advantage) < 1e-6 ? 0 : 1))
                }
            }
            // Every token of an edge belongs to one response.
            #expect(work.batch.mask.reduce(0, +) == Float(2 * edges.count))
            // Along every path the advantages add up to R − V(prompt).
            for (leaf, response) in responses.enumerated() {
                var (owner, end, sum) = (leaf, response.tokens.count, 0.0)
                while true {
                    let own = responses[owner].firstOwnToken
                    for edge in edges where edge.response == owner && edge.place >= own && edge.place < end { sum += edge.advantage }
                    guard responses[owner].parent >= 0 else { break }
                    (owner, end) = (Int(responses[owner].parent), own)
                }
                #expect(abs(sum - (Double(response.reward) - root.value)) < 1e-5)
            }
        }
    }
}
