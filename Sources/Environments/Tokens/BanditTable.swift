import Glibc
import Tensors

/// The success probabilities of a contextual bandit, with everything about a tabular softmax policy on it in closed form: what methods are
/// held against.
///
/// A policy is its logits, one row of `arms` numbers after the other; contexts come with the same probability.
public struct BanditTable: Sendable, Hashable {
    public let contexts: Int
    public let arms: Int
    /// A row of arms for each context.
    public let successes: [Double]

    /// Probabilities drawn evenly from 0 to 1.
    public init(contexts: Int = 32, arms: Int = 16, seed: UInt32 = 0) {
        var stream = TaskStream.of("bandit table", seed, heldOut: false)
        self.init(contexts: contexts, arms: arms, successes: (0..<contexts * arms).map { _ in stream.uniform() })
    }

    public init(contexts: Int, arms: Int, successes: [Double]) {
        precondition(contexts > 0 && arms > 0 && successes.count == contexts * arms, "\(successes.count) probabilities for \(contexts) × \(arms)")
        (self.contexts, self.arms, self.successes) = (contexts, arms, successes)
    }

    public func success(_ context: Int, _ arm: Int) -> Double { successes[context * arms + arm] }

    /// The arm of a context with the largest probability.
    public func best(_ context: Int) -> Int { (0..<arms).max { success(context, $0) < success(context, $1) }! }

    /// The policy's probabilities of all arms.
    public func policy(_ logits: [Double]) -> [Double] {
        perContext { row in
            let largest = logits[row].max()!
            let weights = logits[row].map { exp($0 - largest) }
            let sum = weights.reduce(0, +)
            return weights.map { $0 / sum }
        }
    }

    /// J = mean over contexts of Σₐ π(a) p(a).
    public func expectedReward(_ logits: [Double]) -> Double { zip(policy(logits), successes).reduce(0) { $0 + $1.0 * $1.1 } / Double(contexts) }

    /// ∂J/∂logit of a = π(a) (p(a) − Σ π p) / contexts.
    public func rewardGradient(_ logits: [Double]) -> [Double] { centred(policy(logits), successes) }

    /// The mean over contexts of −Σ π log π.
    public func entropy(_ logits: [Double]) -> Double { policy(logits).reduce(0) { $0 - ($1 > 0 ? $1 * log($1) : 0) } / Double(contexts) }

    /// ∂H/∂logit of a = −π(a) (log π(a) − Σ π log π) / contexts.
    public func entropyGradient(_ logits: [Double]) -> [Double] {
        let policy = policy(logits)
        return centred(policy, policy.map { $0 > 0 ? -log($0) : 0 })
    }

    /// The mean over contexts of KL(π ‖ other) = Σ π (log π − log other).
    public func divergence(_ logits: [Double], from other: [Double]) -> Double {
        zip(policy(logits), difference(logits, other)).reduce(0) { $0 + $1.0 * $1.1 } / Double(contexts)
    }

    /// ∂KL(π ‖ other)/∂logit of a = π(a) (log π(a) − log other(a) − KL) / contexts.
    public func divergenceGradient(_ logits: [Double], from other: [Double]) -> [Double] { centred(policy(logits), difference(logits, other)) }

    /// log π − log other, by log-sum-exp: finite also where probabilities are 0.
    private func difference(_ logits: [Double], _ other: [Double]) -> [Double] {
        func logarithms(_ logits: [Double]) -> [Double] {
            perContext { row in
                let largest = logits[row].max()!
                let sum = largest + log(logits[row].reduce(0) { $0 + exp($1 - largest) })
                return logits[row].map { $0 - sum }
            }
        }
        return zip(logarithms(logits), logarithms(other)).map { $0 - $1 }
    }

    /// π(a) (f(a) − Σ π f) / contexts: the gradient of the mean of Σ π f, where f is constant or ∂f adds nothing.
    private func centred(_ policy: [Double], _ values: [Double]) -> [Double] {
        perContext { row in
            let mean = row.reduce(0) { $0 + policy[$1] * values[$1] }
            return row.map { policy[$0] * (values[$0] - mean) / Double(contexts) }
        }
    }

    private func perContext(_ body: (Range<Int>) -> [Double]) -> [Double] { (0..<contexts).flatMap { body($0 * arms..<($0 + 1) * arms) } }
}
