import Rollouts

/// Which responses and which of their tokens are trained on (Wang et al., 2025, D3S; S097): of all responses of the batch the N whose advantages vary most, and of
/// their tokens the share K with the greatest |A| · H, H the entropy of the old policy. Both grow linearly over the run. What is not chosen
/// is in no loss and counts in no mean.
public struct DownSampling: TokenStage {
    /// N as a share of the responses, at the beginning and at the end of the run.
    public var responses: (from: Float, to: Float)
    /// K
    public var tokens: (from: Float, to: Float)

    public init(responses: (from: Float, to: Float) = (0.5, 1), tokens: (from: Float, to: Float) = (0.2, 0.5)) {
        self.responses = responses
        self.tokens = tokens
    }

    public var needs: TokenNeeds { .entropy }

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        let progress = Float(min(max(work.moment.progress, 0), 1))
        func now(_ share: (from: Float, to: Float)) -> Float { share.from + (share.to - share.from) * progress }
        let judged = batch.groups.indices.flatMap { batch.judged($0) }.filter { work.length($0) > 0 }
        guard !judged.isEmpty else { return }
        let advantages = judged.map { response in work.advantage[batch.spans[response].first { work.mask[$0] > 0 }!] }
        let count = min(max(Int((now(responses) * Float(judged.count)).rounded()), 1), judged.count)
        let chosen = Set(DownSampling.widest(advantages, count).map { judged[$0] })
        for response in batch.responses.indices where !chosen.contains(response) {
            for token in batch.spans[response] { work.mask[token] = 0 }
        }
        let counting = (0..<batch.count).filter { work.mask[$0] > 0 }
        let kept = min(max(Int((now(tokens) * Float(counting.count)).rounded()), 1), counting.count)
        let weights = counting.map { abs(work.advantage[$0]) * work.entropy[$0] }
        let order = counting.indices.sorted { (weights[$0], $1) > (weights[$1], $0) }
        for place in order.dropFirst(kept) { work.mask[counting[place]] = 0 }
        work.metrics += [
            ("responses_kept", Float(count) / Float(judged.count)),
            ("tokens_kept", Float(kept) / max(batch.mask.reduce(0, +), 1)),
        ]
    }

    /// The `count` numbers with the greatest variance, by their places: some of the smallest and some of the greatest, found by trying all k.
    public static func widest(_ values: [Float], _ count: Int) -> [Int] {
        precondition(count <= values.count, "\(count) of \(values.count) numbers")
        let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
        var (sums, squares) = ([0.0], [0.0])
        for place in order {
            sums.append(sums.last! + Double(values[place]))
            squares.append(squares.last! + Double(values[place]) * Double(values[place]))
        }
        var (best, least) = (-Double.infinity, 0)
        for low in 0...count {
            let high = values.count - (count - low)
            let (sum, square) = (sums[low] + sums.last! - sums[high], squares[low] + squares.last! - squares[high])
            let spread = square - sum * sum / Double(max(count, 1))
            if spread > best { (best, least) = (spread, low) }
        }
        return Array(order.prefix(least)) + Array(order.suffix(count - least))
    }
}

extension TokenMethod {
    /// Dynamic dual-level down-sampling (Wang et al., 2025, D3S; S097): GRPO on what `DownSampling` keeps. Whole batch, before gradient steps are dealt out; means
    /// are over the tokens kept. No official code is public, nor its numbers: the shares here are Apus' own.
    ///
    /// Staleness class C, as GRPO.
    public static func d3s(
        _ settings: TokenSettings = TokenSettings(), sampling: DownSampling = DownSampling(), clip: TokenClip = TokenClip()
    ) -> TokenMethod {
        var settings = settings
        settings.plan.keepsEntropy = true
        return TokenMethod("d3s", settings, stages: [GroupRelative(), sampling], terms: [clip], aggregate: .sequenceMeanTokenMean)
    }
}

extension MethodEntry {
    static let d3s = MethodEntry(
        token: "d3s", summary: "GRPO on the responses whose advantages vary most and their uncertain tokens",
        paper: "Wang et al. 2025, arXiv:2509.22115", paperID: "S097",
        options: TokenSettings.options() + TokenSettings.clipOptions() + [
            MethodOption("responses_from", 0.5, 0...1, "the share of responses trained on, at the beginning of the run"),
            MethodOption("responses_to", 1, 0...1, "and at its end"),
            MethodOption("tokens_from", 0.2, 0...1, "the share of their tokens trained on, at the beginning of the run"),
            MethodOption("tokens_to", 0.5, 0...1, "and at its end"),
        ],
        proof: .reversals(
            "With the most telling half of the tokens as much is learned as with all.",
            arms: [
                .init("D3S", ["method.id=d3s"]),
                .init("GRPO", ["method.id=grpo"]),
            ], verdicts: [.atLeast(0.95, "D3S", of: "GRPO")])
    ) { option in
        .d3s(
            TokenSettings(option),
            sampling: DownSampling(
                responses: (option("responses_from"), option("responses_to")), tokens: (option("tokens_from"), option("tokens_to"))),
            clip: TokenClip(option))
    }
}
