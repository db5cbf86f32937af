import Rollouts

/// Advantages of the edges of a tree (S135, tree): the value of a leaf is its reward, that of an inner node the mean of its children; A = V(child) −
/// V(parent) for the tokens of the edge between them, which are the own tokens of exactly one response.
///
/// A node with a single child is no node: nothing can be compared there. Edges without advantage are in no loss and no mean, nor are tokens
/// that were nearly certain.
public struct TreeAdvantages: TokenStage {
    /// Tokens with a greater probability are left out; 1: none.
    public var certain: Float
    /// Divided by the sample deviation of the siblings + 1e-6.
    public var scales: Bool

    public init(certain: Float = 0.9, scales: Bool = false) {
        self.certain = certain
        self.scales = scales
    }

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        for group in batch.groups.indices {
            let tree = ForkTree(batch, group: group)
            for response in batch.judged(group) {
                var node = tree.start(response)
                for edge in tree.edges(response) {
                    let siblings = GroupStatistics(tree.children(node, work.reward))
                    var advantage = tree.endValue(response, from: edge.lowerBound, work.reward) - siblings.mean
                    if scales { advantage /= siblings.sampleDeviation + 1e-6 }
                    for place in edge {
                        let token = batch.spans[response].lowerBound + place
                        work.advantage[token] = advantage
                        if abs(advantage) < 1e-6 { work.mask[token] = 0 }
                    }
                    node = .init(response: response, position: edge.upperBound)
                }
            }
        }
        CertainTokens(threshold: certain).leaveOut(&work)
    }
}

extension TokenMethod {
    /// Segment policy optimisation in trees (Guo et al., 2025; S135): `GroupPlan.Forks.tree`, `TreeAdvantages`, the proximal clip per token, a mean
    /// over all tokens; every edge is trained on once, under its prefix. A tree of one level is GRPO without the standard deviation.
    ///
    /// The paper goes over stored edges several times; here a run's replay and epochs do. Staleness class C.
    public static func spoTree(
        _ settings: TokenSettings, widths: [Int] = [6, 6, 6], tokens: Int = 30, credit: TreeAdvantages = TreeAdvantages(),
        clip: TokenClip = TokenClip()
    ) -> TokenMethod {
        var settings = settings
        settings.plan.forks = .tree(widths: widths, tokens: tokens)
        settings.plan.responses = widths.reduce(1, *)
        return TokenMethod("spo-tree", settings, stages: [credit], terms: [clip], aggregate: .tokenMean)
    }
}

extension MethodEntry {
    static let spoTree = MethodEntry(
        token: "spo-tree", summary: "advantages of the edges of a tree of draws", paper: "Guo et al. 2025, arXiv:2505.23564", paperID: "S135",
        options: TokenSettings.options().filter { $0.name != "responses" } + TokenSettings.clipOptions() + [
            MethodOption("width", 6, 1...64, isWhole: true, "children of every node"),
            MethodOption("depth", 3, 1...8, isWhole: true, "levels of the tree"),
            MethodOption("tokens", 30, 1...1e6, isWhole: true, "tokens of an edge; the last level goes on to the end"),
            MethodOption("certain", 0.9, 0.01...1, "tokens drawn with more probability are not trained on; 1: all are"),
            MethodOption("std", 0, 0...1, isFlag: true, "divide by the standard deviation of the siblings"),
        ],
        proof: .reversals(
            "A tree of draws teaches more than independent ones, from as many drawn tokens.",
            arms: [
                .init("SPO-tree", ["method.id=spo-tree", "method.options.width=3", "method.options.depth=2", "method.options.tokens=1"]),
                .init("GRPO", ["method.id=grpo"]),
            ], verdicts: [.better("SPO-tree", than: "GRPO")])
    ) { option in
        var settings = TokenSettings()
        settings.plan.leavesOutEqual = option.flag("leave_out_equal")
        (settings.epochs, settings.minibatches, settings.entropy) = (option.count("epochs"), option.count("minibatches"), option("entropy"))
        return .spoTree(
            settings, widths: [Int](repeating: option.count("width"), count: option.count("depth")), tokens: option.count("tokens"),
            credit: TreeAdvantages(certain: option("certain"), scales: option.flag("std")), clip: TokenClip(option))
    }
}
