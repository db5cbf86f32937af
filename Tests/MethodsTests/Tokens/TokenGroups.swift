import Methods
import Rollouts
import TestSupport

/// Groups of responses for exact checks of methods for token policies.
enum TokenGroups {
    /// A response of this length, drawn from a policy that gave each token this log-probability.
    static func response(
        _ reward: Float, length: Int = 3, logProb: Float = -1, correct: Bool? = nil, end: ResponseEnd = .stopped, isBaseline: Bool = false
    ) -> GroupResponse {
        GroupResponse(
            tokens: (0..<length).map { Int32($0) }, logProbs: [Float](repeating: logProb, count: length),
            versions: [UInt64](repeating: 0, count: length), roles: [TokenRole](repeating: .policy, count: length), rewards: [reward],
            isCorrect: correct ?? (reward > 0), end: end, isBaseline: isBaseline)
    }

    /// One group of responses of equal length with these rewards.
    static func group(_ rewards: [Float], task: UInt32 = 0, length: Int = 3) -> ResponseGroup {
        ResponseGroup(task: task, prompt: [0], responses: rewards.map { response($0, length: length) })
    }

    /// Ragged responses of some log-probabilities, mostly with both outcomes in a group; of what a plan asks for, with that too. One response
    /// holds tokens of the environment, and one was not verified.
    static func random(
        _ count: Int = 4, responses: Int = 6, seed: UInt64 = 1, plan: GroupPlan = GroupPlan(), lengths: ClosedRange<Int> = 1...7
    ) -> [ResponseGroup] {
        var dice = TestSupport.Dice(seed)
        return (0..<count).map { group in
            var members = (0..<responses).map { member -> GroupResponse in
                let length = Int.random(in: lengths, using: &dice)
                let isCorrect = member == 0 ? true : member == 1 ? false : dice.chance(0.4)
                var one = response(isCorrect ? 1 : 0, length: length, correct: isCorrect)
                one.tokens = (0..<length).map { _ in Int32(dice.below(8)) }
                one.logProbs = (0..<length).map { _ in Float.random(in: -2.5 ... -0.2, using: &dice) }
                one.answer = Int32(isCorrect ? 7 : dice.below(3))
                if plan.keepsEntropy { one.entropies = (0..<length).map { _ in Float.random(in: 0.1...2, using: &dice) } }
                if plan.firstTokenIsControl { one.roles[0] = .control }
                return one
            }
            if group == 0, let member = members.indices.first(where: { $0 > 1 && members[$0].tokens.count > 3 }) {
                (members[member].roles[1], members[member].logProbs[1]) = (.environment, 0)
                (members[member].roles[2], members[member].logProbs[2]) = (.environment, 0)
            }
            if group == 1, responses > 3 { members[3].end = .unverified }
            if plan.window > 0, responses > 2 {
                members[2].end = .open
                members[0].firstOwnToken = members[0].tokens.count / 2
            }
            if plan.greedyBaseline { members.append(response(dice.chance(0.5) ? 1 : 0, length: 2, isBaseline: true)) }
            return ResponseGroup(task: UInt32(group), prompt: [1, 2], responses: members)
        }
    }

    /// A batch on its way through the stages of a method, with all that the method needs made up: values, a reference and a policy at the
    /// start that is not quite the behaviour policy.
    static func work(
        _ groups: [ResponseGroup], for method: TokenMethod? = nil, seed: UInt64 = 2, progress: Double = 0.5, records: TaskRecords = TaskRecords()
    ) -> TokenWork {
        let batch = ResponseBatch(groups)
        var dice = TestSupport.Dice(seed)
        func noise(_ range: ClosedRange<Float>) -> [Float] { (0..<batch.count).map { _ in Float.random(in: range, using: &dice) } }
        var work = TokenWork(batch, moment: Moment(learningRate: 0.001, progress: progress), records: records)
        work.entropy = noise(0.1...2)
        work.values = noise(-0.5...0.5)
        work.reference = zip(batch.behaviour, noise(-0.4...0.4)).map { $0 + $1 }
        if method?.proximal == .start { work.proximal = zip(batch.behaviour, noise(-0.2...0.2)).map { $0 + $1 } }
        if method?.needs.contains(.lastLayer) == true {
            let (width, vocabulary) = (3, 8)
            let logits = (0..<batch.count).map { _ in (0..<vocabulary).map { _ in Float.random(in: 0.1...1, using: &dice) } }
            work.last = LastLayer(
                width: width, vocabulary: vocabulary, hidden: (0..<batch.count * width).map { _ in Float.random(in: -1...1, using: &dice) },
                probabilities: logits.flatMap { row in row.map { $0 / row.reduce(0, +) } })
        }
        method?.prepare(&work)
        return work
    }

    /// Log-probabilities that have moved from where the ratio's denominator was taken.
    static func moved(_ work: TokenWork, by distance: Float = 0.3, seed: UInt64 = 3) -> [Float] {
        var dice = TestSupport.Dice(seed)
        return work.proximal.map { $0 + Float.random(in: -distance...distance, using: &dice) }
    }

    /// ∂(loss of the whole step)/∂lp: what a method gives to the network, per token.
    static func gradient(_ method: TokenMethod, _ step: TokenStep) -> [Float] {
        method.terms.reduce(into: [Float](repeating: 0, count: step.count)) { total, term in
            let (slope, scales) = (term.slope(step), term.scales(step, method.aggregate))
            for token in 0..<step.count where scales[token] != 0 {
                total[token] += scales[token] * (term.isWeighted ? step.weight[token] : 1) * slope.logProb[token]
            }
        }
    }
}
