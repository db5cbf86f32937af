import Networks
import Rollouts
import Tensors

/// Methods that step along the natural gradient x = (F + damping)⁻¹ ∇J: F is the Fisher information of the policy, averaged over the batch's
/// steps, the system is solved by conjugate gradients. The value function is fitted by ordinary gradient steps, before which advantages and
/// targets were taken from its old values.
///
/// The two steps never touch each other's parameters (see `ParameterParts`): without `network.separate_value` the value function is a linear
/// head on the policy's features, which learns less; the preset of a run should set it.
public struct TrustRegion: Algorithm {
    /// How far to go along the natural gradient.
    public enum Step: Sendable, Hashable {
        /// x · √(2δ / xᵀFx), after which KL(π_old ‖ π) is δ as far as it is quadratic.
        case divergence(Float)
        /// The same, halved until the surrogate has improved by at least a tenth of what its gradient promises and the exact
        /// divergence is at most δ; no step where `halvings` do not suffice.
        case search(Float, halvings: Int)
        /// x times a constant.
        case fixed(Float)
    }

    /// Credit, surrogate and what is added to it. Its plan is not used.
    public var method: Method
    public var step: Step
    /// Added to F's diagonal.
    public var damping: Float
    /// Products of F with a vector per update.
    public var iterations: Int
    public var valueFit: ValueFit

    public init(_ method: Method, step: Step, damping: Float = 0.1, iterations: Int = 10, valueFit: ValueFit = ValueFit()) {
        self.method = method
        self.step = step
        self.damping = damping
        self.iterations = iterations
        self.valueFit = valueFit
    }

    public var staleness: Staleness { method.staleness }
    public var discount: Float { method.discount }

    public func learner(_ setting: LearnerSetting) throws -> any Learner { TrustRegionLearner(self, setting) }
}

/// The learner of a `TrustRegion`.
final class TrustRegionLearner: Learner {
    private let algorithm: TrustRegion
    private let network: any PolicyNetwork
    /// The value function's.
    private let descent: Descent
    private let seed: UInt64
    private var parts: ParameterParts?

    var weights: Weights { descent.weights }

    init(_ algorithm: TrustRegion, _ setting: LearnerSetting) {
        self.algorithm = algorithm
        network = setting.network
        seed = setting.seed
        descent = Descent(network.initialWeights(seed: setting.seed), setting.optimizer)
    }

    func update(_ batch: RolloutBatch, at moment: Moment) throws -> LearnerReport {
        let mark = descent.mark()
        do { return try train(batch, moment) } catch {
            descent.returnTo(mark)
            throw error
        }
    }

    private func train(_ batch: RolloutBatch, _ moment: Moment) throws -> LearnerReport {
        let parts = parts ?? ParameterParts(network, batch)
        self.parts = parts
        let method = algorithm.method.at(progress: moment.progress)
        let old = Evaluation(batch, network, parameters: weights.parameters(), constants: weights.parameters())
        let proximal = Proximal(old)
        let constants = StepConstants(method, batch, old, proximal)
        let loss = PolicyLoss(method: method, network: network, batch: batch, constants: constants, parts: parts)
        let (gradient, before, metrics) = try loss.gradient(at: weights)
        let norm = globalNorm(weights.gradient)
        let moved = try movePolicy(loss, proximal.policy, gradient: gradient.map { -Double($0) }, before: before)
        let valueLoss = try algorithm.valueFit(
            descent, network, batch, targets: constants.valueTarget, parts, seed: seed, at: moment)
        return LearnerReport(
            loss: before, gradientNorm: norm, metrics: metrics + [valueLoss] + moved + constants.metrics)
    }

    /// One step of the policy.
    private func movePolicy(
        _ loss: PolicyLoss, _ old: PolicyOutput, gradient: [Double], before: Float
    ) throws(NonFiniteGradient) -> [Metric] {
        let fisher = FisherProduct(network, loss.batch, at: weights)
        let damping = Double(algorithm.damping)
        func product(_ v: [Double]) -> [Double] { zip(fisher(v), v).map { $0 + damping * $1 } }
        let direction = conjugateGradients(gradient, iterations: algorithm.iterations, product: product)
        let curvature = dot(direction, product(direction))
        guard curvature.isFinite else { throw NonFiniteGradient(tensor: "the natural gradient") }
        let origin = weights.flat.values
        let slope = dot(gradient, direction)

        /// Goes there; what the surrogate has gained, and the divergence.
        func go(_ length: Double) -> (gain: Float, divergence: Float) {
            weights.flat.withMutableBuffer { for k in $0.indices { $0[k] = Float(Double(origin[k]) + length * direction[k]) } }
            let (after, _, output) = loss(weights.parameters())
            return (before - after.scalar, mean(network.distribution.klDivergence(old, output)).scalar)
        }
        func full(_ limit: Float) -> Double { curvature > 0 ? (2 * Double(limit) / curvature).squareRoot() : 0 }

        switch algorithm.step {
        case .fixed(let length): return report(go(Double(length)))
        case .divergence(let limit): return report(go(full(limit)))
        case .search(let limit, let halvings):
            var length = full(limit)
            for halving in 0...halvings {
                let (gain, divergence) = go(length)
                if divergence <= limit, Double(gain) >= 0.1 * slope * length, gain > 0 || slope == 0 {
                    return report((gain, divergence)) + [("halvings", Float(halving)), ("step_taken", 1)]
                }
                length /= 2
            }
            return report(go(0)) + [("halvings", Float(halvings)), ("step_taken", 0)]
        }
    }

    private func report(_ step: (gain: Float, divergence: Float)) -> [Metric] {
        [("kl", step.divergence), ("surrogate_gain", step.gain)]
    }

    var state: [Column] { descent.state }
    func restore(_ state: [Column]) throws { try descent.restore(state) }
}
