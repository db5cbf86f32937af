import Methods
import Rollouts
import TestSupport
import Testing

/// REC and its relatives (S080).
@Suite struct RECTests {
    /// Which ratios count, written out once more.
    private func kept(_ keep: BoundedReinforce.Keep, _ r: Float, _ a: Float) -> Bool {
        let (low, high): (Float, Float) = (0.8, 1.2)
        switch keep {
        case .all: return true
        case .twoSide: return (low...high).contains(r)
        case .oneSide, .sequenceOneSide: return a > 0 ? r <= high : a < 0 ? r >= low : true
        case .ring: return (low...high).contains(r) || (a >= 0 && r <= 1 - 0.6) || (a <= 0 && r >= 1 + 2)
        }
    }

    @Test func coefficients() {
        for keep in BoundedReinforce.Keep.allCases {
            for weight in BoundedReinforce.Weight.allCases {
                for cell in TokenGrid().table(BoundedReinforce(keep, weight: weight)) where cell.advantage != 0 {
                    let r = cell.ratio
                    let w: Float =
                        switch weight {
                        case .none: 1
                        case .ratio: r
                        case .clippedRatio: min(max(r, 0.4), 3)
                        case .exponential: Float(expOf(Double(cell.advantage)))
                        }
                    let phi = kept(keep, r, cell.advantage) ? w : 0
                    #expect(abs(cell.phi - phi) < 1e-5 * max(1, phi), "\(keep), \(weight) at r \(r), A \(cell.advantage)")
                }
            }
        }
    }

    /// One-sided with the ratio as its weight: the gradient of the proximal clip, bit for bit.
    @Test func oneSidedWithRatioIsTheProximalClip() {
        let grid = TokenGrid()
        #expect(BoundedReinforce(.oneSide, weight: .ratio).slope(grid.step).logProb == TokenClip().slope(grid.step).logProb)
    }

    @Test func keepingAllIsThePolicyGradient() {
        let grid = TokenGrid()
        let (bounded, free) = (BoundedReinforce(.all).slope(grid.step), TokenPolicyGradient().slope(grid.step))
        #expect(bounded.logProb == free.logProb && bounded.loss == free.loss)
    }

    /// By whole responses it is their geometric mean that counts.
    @Test func wholeResponses() {
        var work = TokenGroups.work([TokenGroups.group([1, 0], length: 2)])
        work.advantage = [1, 1, -1, -1]
        // Geometric means of 1.5 · 0.9 (kept) and of 0.9 · 0.6 (not, for A < 0).
        let ratios: [Double] = [1.5, 0.9, 0.9, 0.6]
        let logProb = ratios.map { Float(-1 + logOf($0)) }
        #expect(BoundedReinforce(.sequenceOneSide).slope(TokenStep(work, logProb: logProb)).logProb == [-1, -1, 0, 0])
        #expect(BoundedReinforce(.oneSide).slope(TokenStep(work, logProb: logProb)).logProb == [0, -1, 1, 0])
    }

    /// A gradient step on the squared residuals of all pairs, R_i − τ x_i = R_j − τ x_j with x = log π / π_t, at π_t goes along Σ (R − mean) ∇ log π.
    @Test func pairsAskForCentredRewards() {
        let rewards: [Float] = [1, 0, 0.3, 0.7, 0]
        var work = TokenGroups.work([TokenGroups.group(rewards)])
        GroupCentered().apply(&work)
        for (index, reward) in rewards.enumerated() {
            let pairs = rewards.reduce(0) { $0 + reward - $1 }
            #expect(abs(work.advantage[3 * index] * 5 - pairs) < 1e-5)
        }
    }

    @Test func droppingBalancesGroups() {
        func advantages(_ rewards: [Float], version: UInt64 = 0) -> [Float] {
            var work = TokenWork(ResponseBatch([TokenGroups.group(rewards, length: 1)]), moment: Moment(version: version, learningRate: 0))
            GroupCentered(drops: true).apply(&work)
            return work.advantage
        }
        let some = advantages([1, 0, 0, 0, 0])
        #expect(some[0] == 0.5 && some.dropFirst().filter { $0 == -0.5 }.count == 1 && some.filter { $0 == 0 }.count == 3)
        // Which one is left is drawn, and drawn anew in every update.
        let drawn = Set((0..<20).map { advantages([1, 0, 0, 0, 0], version: $0).firstIndex(of: -0.5)! })
        #expect(drawn.count > 2 && advantages([1, 0, 0, 0, 0]) == some)
        #expect(advantages([1, 1, 0, 0]) == [0.5, 0.5, -0.5, -0.5] && advantages([1, 1, 1, 0]) == [0.25, 0.25, 0.25, -0.75])
    }

    /// A lowered baseline is REINFORCE plus as much supervised learning on everything.
    @Test func asymmetricReinforce() throws {
        let groups = TokenGroups.random(seed: 4)
        let (shifted, plain) = (try tokenMethod("asymre").gradient(of: groups), try tokenMethod("opmd", ["tau": 0]).gradient(of: groups))
        let work = TokenGroups.work(groups)
        let count = work.mask.reduce(0, +)
        // Responses that nobody has judged have no advantage to be shifted.
        let judged = Set(work.batch.groups.indices.flatMap { work.batch.judged($0) })
        for token in shifted.indices {
            let likelihood = judged.contains(work.batch.response[token]) ? -0.1 * work.mask[token] / count : 0
            #expect(abs(shifted[token] - (plain[token] + likelihood)) < 1e-7)
        }
    }

    @Test func mirrorDescent() throws {
        let groups = TokenGroups.random(seed: 5)
        let plain = try tokenMethod("opmd", ["tau": 0]).gradient(of: groups)
        #expect(distance(try tokenMethod("opmd", ["tau": 1]).gradient(of: groups), plain.map { $0 / 2 }) < 1e-7)
        // On the data of the policy itself the square has no gradient; away from them 2 τ (lp − lb).
        #expect(distance(try tokenMethod("opmd", ["tau": 3, "kimi": 1]).gradient(of: groups, moved: 0), plain) < 1e-7)
        let grid = TokenGrid()
        let slope = BehaviourSquare(3).slope(grid.step)
        for token in grid.cells.indices {
            let x = grid.logProb[token] + 1
            #expect(abs(slope.loss[token] - 3 * x * x) < 1e-4 && abs(slope.logProb[token] - 6 * x) < 1e-4)
        }
    }

    @Test func softMaximum() {
        func baseline(_ temperature: Float) -> Float {
            var work = TokenGroups.work([TokenGroups.group([1, 0, 0.5], length: 1)])
            GroupCentered(.softMaximum(temperature: temperature)).apply(&work)
            return -work.advantage[1]
        }
        let mean = (expOf(2) + 1 + expOf(1)) / 3
        #expect(abs(Double(baseline(0.5)) - 0.5 * logOf(mean)) < 1e-6)
        #expect(abs(baseline(1000) - 0.5) < 1e-3 && abs(baseline(0.01) - 1) < 0.02)
    }
}
