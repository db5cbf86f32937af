import Networks
import Rollouts
import Tensors

/// Two critics that are fitted to targets, and the copies that follow them slowly and give the targets' values. They stay with the learner.
final class CriticPair {
    let critic: TwinCritic
    private let descent: Descent
    private let targets: Weights

    init(_ critic: TwinCritic, _ optimizer: OptimizerSettings, seed: UInt64) {
        self.critic = critic
        descent = Descent(critic.initialWeights(seed: seed), optimizer)
        targets = descent.weights.copy()
    }

    /// The critics' parameters as constants: a tape goes through them to the action alone.
    var constants: Parameters { descent.weights.parameters() }

    /// min(Q′₁, Q′₂) of the copies, [rows]; Q′₁ unless the smaller is asked for.
    func targetValue(_ features: Tensor, _ action: Tensor, smaller: Bool = true) -> Tensor {
        let input = concatenate(features, action)
        guard smaller else { return critic.first(input, targets.parameters()) }
        let q = critic(input, targets.parameters())
        return minimum(q.first, q.second)
    }

    /// What fitting did.
    struct Fit {
        let loss, gradientNorm, meanValue: Float
        /// [rows]: the mean of |y − Q₁| and |y − Q₂|, before the step.
        let errors: Tensor
    }

    /// One gradient step on E[w (Q₁ − y)²] + E[w (Q₂ − y)²].
    func fit(
        _ features: Tensor, _ action: Tensor, to y: Tensor, weight: Tensor?, learningRate: Float
    ) throws(NonFiniteGradient) -> Fit {
        let input = concatenate(features, action)
        var (first, second) = (y, y)
        let (loss, norm) = try descent.step(learningRate: learningRate) { parameters in
            let q = critic(input, parameters)
            (first, second) = (q.first.detached, q.second.detached)
            let errors = square(q.first - y) + square(q.second - y)
            return mean(weight.map { errors * $0 } ?? errors)
        }
        let meanValue = 0.5 * (mean(first).scalar + mean(second).scalar)
        let errors = Tensor(y.shape) { errors in
            y.withBuffer { y in
                first.withBuffer { a in
                    second.withBuffer { b in for k in y.indices { errors[k] = 0.5 * (abs(y[k] - a[k]) + abs(y[k] - b[k])) } }
                }
            }
        }
        return Fit(loss: loss, gradientNorm: norm, meanValue: meanValue, errors: errors)
    }

    /// Q′ ← Q′ + τ (Q − Q′)
    func follow(share tau: Float) { targets.approach(descent.weights, share: tau) }

    func mark() -> Descent.Mark { descent.mark() }
    func returnTo(_ mark: Descent.Mark) { descent.returnTo(mark) }

    // MARK: State

    var state: [Column] {
        [Column("weights", descent.weights.flat), Column("targets", targets.flat)] + descent.state.map { $0.under("optimizer.") }
    }

    func restore(_ state: [Column]) throws {
        let restored = try LearnerState(state)
        try restored.load("weights", into: descent.weights.flat)
        try restored.load("targets", into: targets.flat)
        try descent.restore(restored.columns(under: "optimizer."))
    }
}

extension RolloutBatch {
    /// The mean of each slot's numbers, as priorities; none for a batch that no replay gave.
    func priorities(_ perStep: Tensor) -> [Float] {
        guard !keys.isEmpty else { return [] }
        return perStep.withBuffer { values in
            (0..<slots).map { n in (0..<steps).reduce(Float(0)) { $0 + values[$1 * slots + n] } / Float(steps) }
        }
    }

    /// The actions of a box, as they were drawn: [rows, A].
    var drawnVectors: Tensor {
        guard case .vectors(let vectors) = action else { preconditionFailure("discrete actions of a continuous policy") }
        return vectors
    }
}

extension Moment {
    /// Normal numbers of one batch of one update, [rows, A]; `use` tells the several that it needs apart.
    func normals(seed: UInt64, use: UInt32, _ shape: [Int]) -> Tensor {
        RandomKey(seed: seed, purpose: .learner, actor: UInt32(truncatingIfNeeded: batch), incarnation: 0x8000_0000 | use)
            .normals(step: version, shape)
    }
}
