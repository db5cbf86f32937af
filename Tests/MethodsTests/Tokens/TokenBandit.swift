import Methods
import Rollouts

/// One task with responses of one token, so that expectations over groups are sums over all groups there are (T1 of the notes).
struct TokenBandit {
    /// π of the policy that draws.
    let policy: [Double]
    let rewards: [Double]

    /// The exact gradient of −E[R] by the logits: −π_j (R_j − E R).
    var exact: [Double] {
        let mean = zip(policy, rewards).reduce(0) { $0 + $1.0 * $1.1 }
        return zip(policy, rewards).map { -$0 * ($1 - mean) }
    }

    /// One group with these answers.
    func group(_ answers: [Int], greedy: Int? = nil) -> ResponseGroup {
        var group = ResponseGroup(
            task: 0, prompt: [0],
            responses: answers.map {
                TokenGroups.response(Float(rewards[$0]), length: 1, logProb: Float(logOf(policy[$0])), correct: rewards[$0] > 0.5)
            })
        for (place, answer) in answers.enumerated() { group.responses[place].tokens = [Int32(answer)] }
        if let greedy { group.responses.append(TokenGroups.response(Float(rewards[greedy]), length: 1, isBaseline: true)) }
        return group
    }

    /// The gradient by the logits of what a method makes of one group, under some current policy.
    func gradient(_ method: TokenMethod, _ groups: [ResponseGroup], current: [Double]? = nil, reference: [Double]? = nil) -> [Double] {
        let current = current ?? policy
        let batch = ResponseBatch(groups)
        let answers = batch.responses.map { Int($0.tokens[0]) }
        var work = TokenWork(batch, moment: Moment(learningRate: 1))
        if let reference { work.reference = answers.map { Float(logOf(reference[$0])) } }
        method.prepare(&work)
        let slopes = TokenGroups.gradient(method, TokenStep(work, logProb: answers.map { Float(logOf(current[$0])) }))
        var gradient = [Double](repeating: 0, count: policy.count)
        for (answer, slope) in zip(answers, slopes) {
            for j in gradient.indices { gradient[j] += Double(slope) * ((answer == j ? 1 : 0) - current[j]) }
        }
        return gradient
    }

    /// Mean and total variance of that over all groups of G draws.
    func moments(_ method: TokenMethod, responses: Int, greedy: Int? = nil) -> (mean: [Double], variance: Double) {
        var (mean, square) = ([Double](repeating: 0, count: policy.count), 0.0)
        var answers = [Int](repeating: 0, count: responses)
        while true {
            let chance = answers.reduce(1) { $0 * policy[$1] }
            let gradient = gradient(method, [group(answers, greedy: greedy)])
            for j in mean.indices { mean[j] += chance * gradient[j] }
            square += chance * gradient.reduce(0) { $0 + $1 * $1 }
            guard let place = answers.firstIndex(where: { $0 < policy.count - 1 }) else { break }
            answers[place] += 1
            for before in 0..<place { answers[before] = 0 }
        }
        return (mean, square - mean.reduce(0) { $0 + $1 * $1 })
    }

    static func softmax(_ logits: [Double]) -> [Double] {
        let top = logits.max()!
        let powers = logits.map { expOf($0 - top) }
        return powers.map { $0 / powers.reduce(0, +) }
    }

    static func divergence(_ p: [Double], _ q: [Double]) -> Double { zip(p, q).reduce(0) { $0 + $1.0 * (logOf($1.0) - logOf($1.1)) } }
}
