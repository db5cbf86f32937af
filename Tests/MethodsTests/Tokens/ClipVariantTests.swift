import Methods
import Rollouts
import TestSupport
import Testing

/// Forms of the proximal clip: GPPO (S073), BAPO (S072), DeGRPO (S172).
@Suite struct ClipVariantTests {
    @Test func gradientPreservingTable() {
        let grid = TokenGrid()
        let term = GradientPreservingTokenClip()
        for cell in grid.table(term) {
            let (r, a) = (cell.ratio, cell.advantage)
            let phi: Float = a > 0 ? min(r, 1.28) : a < 0 ? (r > 10 ? 0 : max(r, 0.8)) : 0
            #expect(abs(cell.phi - phi) < 1e-5 * max(1, phi), "r \(r), A \(a)")
        }
        // The value is the proximal clip's.
        #expect(term.slope(grid.step).loss == term.clip.slope(grid.step).loss)
        // β scales what clipped tokens keep, and nothing else.
        for (half, whole) in zip(grid.table(GradientPreservingTokenClip(lowKept: 0.5, highKept: 0.25)), grid.table(term)) {
            let isClipped = (whole.advantage > 0 && whole.ratio > 1.28) || (whole.advantage < 0 && whole.ratio < 0.8)
            #expect(abs(half.phi - whole.phi * (!isClipped ? 1 : whole.advantage > 0 ? 0.25 : 0.5)) < 1e-5)
        }
    }

    @Test func gradientPreservingOnPolicy() throws {
        let groups = TokenGroups.random(seed: 3)
        var grpo = TokenMethod.grpo()
        grpo.aggregate = .tokenMean
        let method = try tokenMethod("gppo-tokens", ["likelihood": 0])
        #expect(method.gradient(of: groups, moved: 0) == grpo.gradient(of: groups, moved: 0) && method.plan.leavesOutEqual)
        // The likelihood: a mean over the tokens of correct responses.
        let (with, work) = (try tokenMethod("gppo-tokens").gradient(of: groups), TokenGroups.work(groups))
        let without = method.gradient(of: groups)
        let correct = work.batch.responses.indices.filter { work.batch.responses[$0].isCorrect }
        let count = correct.reduce(0) { $0 + work.length($1) }
        for token in with.indices {
            let share = correct.contains(work.batch.response[token]) ? -0.1 * work.mask[token] / count : 0
            #expect(abs(with[token] - without[token] - share) < 1e-7)
        }
    }

    /// On the policy's own data, with responses of one length, positive tokens have half of the gradient: the search ends where it begins.
    @Test func balancedOnPolicy() throws {
        let groups = (0..<3).map { TokenGroups.group([1, 0, 0, 1, 0], task: UInt32($0)) }
        var work = TokenGroups.work(groups)
        GroupRelative().apply(&work)
        let step = TokenStep(work, logProb: work.proximal)
        for byValue in [false, true] {
            var search = BalancedClip()
            (search.share, search.measuresValue) = (0.49, byValue)
            let found = BalancedTokenClip(search).limits(step)
            #expect(found.low == 0.6 && found.high == 1.2 && abs(found.share - 0.5) < 1e-5)
        }
        let clip = TokenClip(low: 1 - Float(0.6), high: Float(1.2) - 1, dual: 3)
        #expect(BalancedTokenClip().slope(step).logProb == clip.slope(step).logProb)
    }

    @Test func balancedShare() {
        let work = TokenGroups.work(TokenGroups.random(12, lengths: 2...9), for: .grpo())
        let step = TokenStep(work, logProb: TokenGroups.moved(work, by: 1.2))
        func share(_ low: Float, _ high: Float, byValue: Bool = false) -> Float {
            var search = BalancedClip()
            (search.lowFrom, search.lowTo, search.highFrom, search.highTo) = (low, low, high, high)
            search.measuresValue = byValue
            return BalancedTokenClip(search).limits(step).share
        }
        // By definition, over the tokens that count.
        var (positive, all) = (0.0, 0.0)
        for token in 0..<step.count where step.mask[token] > 0 {
            let (r, a) = (step.ratio(token), step.advantage[token])
            guard a > 0 ? r <= 1.5 : (r >= 0.7 && r <= 3) else { continue }
            all += Double(abs(r * a))
            positive += a > 0 ? Double(r * a) : 0
        }
        #expect(abs(Double(share(0.7, 1.5)) - positive / all) < 1e-6)
        let highs = [1.2, 1.5, 2, 2.5, 3].map { share(0.6, Float($0)) }
        #expect(highs == highs.sorted() && highs.first! < highs.last!)
        // By the gradient a higher lower limit gives positive tokens more; by value it gives them less.
        #expect(share(0.9, 1.2) > share(0.6, 1.2) && share(0.9, 1.2, byValue: true) < share(0.6, 1.2, byValue: true))
        // The upper limit moves first.
        var search = BalancedClip()
        search.share = highs[2]
        let found = BalancedTokenClip(search).limits(step)
        #expect(found.low == 0.6 && found.high > 1.5 && found.high < 2.06 && found.share >= highs[2])
    }

    private func choosing(_ lengths: [Int]) -> TokenWork {
        let responses = lengths.enumerated().map { index, length -> GroupResponse in
            var one = TokenGroups.response(index % 3 == 0 ? 1 : 0, length: length)
            one.roles[0] = .control
            return one
        }
        return TokenGroups.work([ResponseGroup(task: 0, prompt: [0], responses: responses)], for: .grpo(scale: .none))
    }

    @Test func modesApart() {
        let work = choosing([4, 2, 9, 1, 5, 3])
        let step = TokenStep(work, logProb: TokenGroups.moved(work))
        let (control, other) = (DecoupledClip(control: 0.25).scales(step, .tokenMean), DecoupledClip(control: 0).scales(step, .tokenMean))
        for sequence in step.sequences {
            #expect(abs(control[sequence.span.lowerBound] - 0.25 / 6) < 1e-7 && other[sequence.span.lowerBound] == 0)
            // 24 tokens, 6 of them choices.
            for token in sequence.span.dropFirst() { #expect(abs(control[token] - 1 / 18) < 1e-7) }
        }
        // With α = 1 / mean length a choice counts as one token of the plain mean, and the others as almost one.
        let plain = TokenAggregation.tokenMean.scales(step)
        let like = DecoupledClip(control: 1 / 4).scales(step, .tokenMean)
        for sequence in step.sequences {
            #expect(abs(like[sequence.span.lowerBound] - plain[sequence.span.lowerBound]) < 1e-7)
            for token in sequence.span.dropFirst() { #expect(abs(like[token] - plain[token] * 24 / 18) < 1e-7) }
        }
    }

    @Test func modeRewards() throws {
        var group = TokenGroups.group([1, 1, 0])
        group.responses[1].tokens[0] = 5
        let method = try tokenMethod("degrpo", ["short_token": 0])
        let work = TokenGroups.work([group], for: method)
        #expect(work.reward == [1, 0.5, -1] && method.plan.firstTokenIsControl)
        #expect(abs(work.advantage[0] - (1 - 0.5 / 3)) < 1e-6)
        #expect(TokenGroups.work([group], for: try tokenMethod("degrpo")).reward == [1, 1, 0])
    }
}
