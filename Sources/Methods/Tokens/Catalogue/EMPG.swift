import Rollouts

/// Advantages by how sure each turn was (EMPG; S129). A turn is a run of tokens of the policy between tokens of the environment; H its mean
/// entropy, and h = (H − min) / (max − min + 1e-8) over all turns of the batch:
///
///     A ← A · g + ζ f(next turn) − mean,   g = exp(−k h) / mean exp(−k h),   f = exp(−k' h)
///
/// one for all tokens of a turn; the bonus only where a next turn exists, the last mean over the turns of the batch. All constants.
public struct EntropyModulation: TokenStage {
    /// k, k'
    public var scaling: Float = 1
    public var clarity: Float = 1
    /// ζ
    public var bonus: Float = 0.05

    public init() {}

    public var needs: TokenNeeds { .entropy }

    public func apply(_ work: inout TokenWork) {
        let responses = work.batch.responses.indices.map { EntropyModulation.turns(of: $0, work) }
        let turns = responses.flatMap { $0 }
        guard !turns.isEmpty else { return }
        let sureness = EntropyModulation.normalized(turns.map { turn in turn.reduce(0) { $0 + work.entropy[$1] } / Float(turn.count) })
        let gains = EntropyModulation.gains(sureness, scaling)
        var modulated: [Float] = []
        for turns in responses {
            for (place, turn) in turns.enumerated() {
                let next = modulated.count + 1
                let outlook = place + 1 < turns.count ? bonus * exponential(-clarity * sureness[next]) : 0
                modulated.append(work.advantage[turn[0]] * gains[modulated.count] + outlook)
            }
        }
        let mean = GroupStatistics(modulated).mean
        for (turn, advantage) in zip(turns, modulated) { for token in turn { work.advantage[token] = advantage - mean } }
    }

    /// The tokens of each turn of a response that count.
    public static func turns(of response: Int, _ work: TokenWork) -> [[Int]] {
        var turns: [[Int]] = [[]]
        for token in work.batch.spans[response] {
            if work.batch.roles[token] == .environment { turns.append([]) }
            if work.mask[token] > 0 { turns[turns.count - 1].append(token) }
        }
        return turns.filter { !$0.isEmpty }
    }

    public static func normalized(_ entropies: [Float]) -> [Float] {
        let (least, greatest) = (entropies.min() ?? 0, entropies.max() ?? 0)
        return entropies.map { ($0 - least) / (greatest - least + 1e-8) }
    }

    /// g, whose mean is 1.
    public static func gains(_ sureness: [Float], _ scaling: Float) -> [Float] {
        let gains = sureness.map { exponential(-scaling * $0) }
        let mean = GroupStatistics(gains).mean
        return gains.map { $0 / mean }
    }
}

extension TokenMethod {
    /// Entropy-modulated policy gradients (Wang et al., 2025; S129): GRPO whose advantages `EntropyModulation` has changed, turn by turn. The
    /// open re-implementation that is public scales the whole batch once per turn; this does not.
    ///
    /// Staleness class C, as GRPO.
    public static func empg(
        _ settings: TokenSettings = TokenSettings(), modulation: EntropyModulation = EntropyModulation(), clip: TokenClip = TokenClip()
    ) -> TokenMethod {
        var settings = settings
        settings.plan.keepsEntropy = true
        return TokenMethod("empg", settings, stages: [GroupRelative(), modulation], terms: [clip], aggregate: .sequenceMeanTokenMean)
    }
}

extension MethodEntry {
    static let empg = MethodEntry(
        token: "empg", summary: "GRPO whose advantages follow how sure each turn was", paper: "Wang et al. 2025, arXiv:2509.09265", paperID: "S129",
        options: TokenSettings.options() + TokenSettings.clipOptions() + [
            MethodOption("scaling", 1, 0...100, "k: how much less unsure turns count"),
            MethodOption("clarity", 1, 0...100, "k': how fast the bonus falls with the next turn's entropy"),
            MethodOption("bonus", 0.05, 0...100, "ζ: for turns that lead to sure ones"),
        ],
        proof: .tools(
            "Advantages that follow how sure each turn was teach more than equal ones.",
            arms: [
                .init("EMPG", ["method.id=empg"]),
                .init("GRPO", ["method.id=grpo"]),
            ], verdicts: [.better("EMPG", than: "GRPO")])
    ) { option in
        var modulation = EntropyModulation()
        (modulation.scaling, modulation.clarity, modulation.bonus) = (option("scaling"), option("clarity"), option("bonus"))
        return .empg(TokenSettings(option), modulation: modulation, clip: TokenClip(option))
    }
}
