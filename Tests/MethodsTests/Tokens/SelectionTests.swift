import Methods
import Rollouts
import TestSupport
import Testing

/// D3S (S097), CAPO (S071): which responses and tokens are trained on.
@Suite struct SelectionTests {
    private func spread(_ values: [Float]) -> Double {
        let mean = values.reduce(0.0) { $0 + Double($1) } / Double(max(values.count, 1))
        return values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    }

    /// The scan finds what trying all subsets finds.
    @Test func widestSubset() {
        var dice = TestSupport.Dice(1)
        for count in 1...10 {
            let values = (0..<count).map { _ in Float(dice.below(5)) - Float.random(in: 0...1, using: &dice) }
            for size in 0...count {
                let found = DownSampling.widest(values, size)
                #expect(Set(found).count == size)
                var best = -Double.infinity
                for subset in 0..<(1 << count) where subset.nonzeroBitCount == size {
                    let chosen: [Float] = values.indices.filter { (subset >> $0) & 1 == 1 }.map { values[$0] }
                    best = max(best, spread(chosen))
                }
                #expect(abs(spread(found.map { values[$0] }) - best) < 1e-5, "\(size) of \(values)")
            }
        }
    }

    @Test func allOfThemIsGRPO() throws {
        let groups = TokenGroups.random(seed: 6)
        let all = ["responses_from": 1.0, "responses_to": 1, "tokens_from": 1, "tokens_to": 1]
        #expect(try tokenMethod("d3s", all).gradient(of: groups) == TokenMethod.grpo().gradient(of: groups))
    }

    @Test func uncertainTokensOfExtremeResponses() throws {
        let groups = [TokenGroups.group([4, 3, 2, 1, 0], length: 4)]
        let options = ["responses_from": 0.4, "responses_to": 0.8, "tokens_from": 0.5, "tokens_to": 1]
        func kept(_ progress: Double) throws -> TokenWork {
            var work = TokenGroups.work(groups, progress: progress)
            work.entropy = (0..<20).map { Float($0 % 4) + 1 }
            try tokenMethod("d3s", options).prepare(&work)
            return work
        }
        // The best and the worst; of their tokens the half with the greater entropy.
        #expect(try kept(0).mask == [0, 0, 1, 1] + [Float](repeating: 0, count: 12) + [0, 0, 1, 1])
        #expect(try kept(1).mask == [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1])
        // Halfway: 3 responses, three quarters of their tokens.
        #expect(try kept(0.5).mask.reduce(0, +) == 9)
        #expect(try tokenMethod("d3s").plan.keepsEntropy)
    }

    /// The last layer alone, under plain descent and under Adam in the middle of its work: what its model says of a step, and what the step does,
    /// agree up to the third power of the learning rate.
    @Test(arguments: [false, true]) func shiftsAreThoseOfTheStep(remembers: Bool) {
        var dice = TestSupport.Dice(3)
        let (width, vocabulary) = (3, 6)
        func random(_ count: Int, _ range: ClosedRange<Double>) -> [Double] { (0..<count).map { _ in Double.random(in: range, using: &dice) } }
        for _ in 0..<10 {
            let (weights, hidden) = (random(vocabulary * width, -1...1), random(width, -1...1))
            // Of gradients of the loss, as the optimiser has seen them.
            let (first, second) = (random(vocabulary * width, -0.5...0.5), random(vocabulary * width, 0.1...0.5))
            func probabilities(_ weights: [Double]) -> [Double] {
                let powers = (0..<vocabulary).map { row -> Double in
                    var logit = 0.0
                    for column in 0..<width { logit += weights[row * width + column] * hidden[column] }
                    return expOf(logit)
                }
                let sum = powers.reduce(0, +)
                return powers.map { $0 / sum }
            }
            let old = probabilities(weights)
            let (action, advantage) = (dice.below(vocabulary), Double.random(in: -2...2, using: &dice))
            var last = LastLayer(width: width, vocabulary: vocabulary, hidden: hidden.map { Float($0) }, probabilities: old.map { Float($0) })
            if remembers {
                last.moments = LastLayer.Moments(
                    first: first.map { Float($0) }, second: second.map { Float($0) }, beta1: 0.9, beta2: 0.999, epsilon: 1e-8)
            }
            /// How far model and step are apart.
            func error(_ rate: Double) -> (objective: Double, policy: Double) {
                var moved = weights
                for row in 0..<vocabulary {
                    for column in 0..<width {
                        let index = row * width + column
                        var slope = -advantage * ((row == action ? 1.0 : 0.0) - old[row]) * hidden[column]
                        if remembers {
                            let square = 0.999 * second[index] + 0.001 * slope * slope
                            slope = (0.9 * first[index] + 0.1 * slope) / (square.squareRoot() + 1e-8)
                        }
                        moved[index] -= rate * slope
                    }
                }
                let ratio = probabilities(moved)[action] / old[action]
                let told = CurvatureMask.shifts(last, 0, action, Float(advantage), rate: Float(rate))
                return (Double(told.objective) - advantage * (ratio - 1), Double(told.policy) - logOf(ratio) * logOf(ratio) / 2)
            }
            let (coarse, fine) = (error(0.04), error(0.02))
            let bound = 20 * 0.04 * 0.04 * 0.04
            #expect(abs(coarse.objective) < bound && abs(coarse.policy) < bound)
            // Eight times less at half the rate, as far as single precision can tell.
            #expect(abs(fine.objective) < abs(coarse.objective) / 5 + 2e-7 && abs(fine.policy) < abs(coarse.policy) / 5 + 2e-7)
        }
    }

    /// With a memory, the direction is that of Adam's next step.
    @Test func directionIsAdams() {
        var moments = LastLayer.Moments(first: [0.3], second: [0.04], beta1: 0.9, beta2: 0.999, epsilon: 1e-8)
        (moments.correction1, moments.correction2) = (1 - 0.729, 1 - 0.997002999)
        let last = LastLayer(width: 1, vocabulary: 2, hidden: [1], probabilities: [0.5, 0.5], moments: moments)
        let second: Double = (0.04 * 0.999 + 0.001 * 4) / 0.002997001
        let expected: Double = (0.27 + 0.2) / 0.271 / second.squareRoot()
        #expect(abs(Double(last.direction(2, 0)) - expected) < 1e-5)
    }

    @Test func withoutLimitsItIsGRPO() throws {
        let groups = TokenGroups.random(seed: 8)
        let method = try tokenMethod("capo", ["objective_limit": .infinity, "policy_limit": .infinity])
        let work = TokenGroups.work(groups, for: method)
        let grpo = TokenGroups.work(groups, for: .grpo())
        let logProb = TokenGroups.moved(work)
        #expect(
            TokenGroups.gradient(method, TokenStep(work, logProb: logProb))
                == TokenGroups.gradient(.grpo(), TokenStep(grpo, logProb: logProb)))
        // Limits of 0 leave nothing with an advantage.
        let none = TokenGroups.work(groups, for: try tokenMethod("capo", ["objective_limit": 0]))
        #expect((0..<none.batch.count).allSatisfy { none.mask[$0] == 0 || none.advantage[$0] == 0 })
    }

    /// The same on a transformer: GRPO's weights, with the optimiser's memory read in every update.
    @Test func learnersWithoutLimits() throws {
        let free = try TinyLearner.make(try tokenMethod("capo", ["objective_limit": .infinity, "policy_limit": .infinity]))
        let grpo = try TinyLearner.make(.grpo())
        for version in 0..<3 {
            let groups = TokenGroups.random(4, seed: UInt64(version) + 1)
            let moment = Moment(version: UInt64(version), learningRate: 0.003)
            let (report, _) = (try free.update(groups, at: moment), try grpo.update(groups, at: moment))
            #expect(report.metrics.first { $0.name == "largest_policy_shift" }!.value > 0)
            #expect(free.weights.numbers == grpo.weights.numbers)
        }
        let last = free.lastLayer(TokenGroups.random(1))
        let moments = try #require(last.moments)
        #expect(abs(moments.correction1 - (1 - 0.6561)) < 1e-5 && abs(moments.correction2 - (1 - 0.996005996)) < 1e-6)
        #expect(moments.first.count == 12 * 8 && moments.first.contains { $0 != 0 })
        #expect(abs(last.probabilities[..<12].reduce(0, +) - 1) < 1e-5)
    }
}
