import Glibc
import Tensors

/// A normal distribution with a diagonal covariance: means [N, A], log σ [A] or one for each row, [N, A].
struct Gaussian {
    let mean: Tensor
    let logDeviation: Tensor

    init(_ output: PolicyOutput) {
        guard let logDeviation = output.logDeviation else { preconditionFailure("the output of a discrete policy") }
        mean = output.policy
        self.logDeviation = logDeviation
    }

    /// [N]
    func logProb(of actions: Tensor) -> Tensor { gaussianLogProb(mean: mean, logDeviation: logDeviation, action: actions) }

    /// Whether each row has a log σ of its own.
    var isRowWise: Bool { logDeviation.shape.count == 2 }

    /// [N], in nats: Σ log σ + A/2 · log 2πe.
    var entropy: Tensor {
        let constant = Float(mean.shape[1]) * 0.5 * Float(log(2 * Double.pi) + 1)
        return isRowWise ? sumLastAxis(logDeviation) + constant : repeated(sum(logDeviation) + constant, mean.shape[0])
    }

    /// Draws mean + σ z with z = Φ⁻¹(uniform).
    ///
    /// The log-probabilities are those that the learner computes: from the numbers that were stored, rounding included.
    func sample(
        uniforms: UnsafeBufferPointer<Float>, actions: UnsafeMutableBufferPointer<Float>, logProbs: UnsafeMutableBufferPointer<Float>
    ) {
        write(logProb(of: draw(uniforms, into: actions)), to: logProbs)
    }

    /// Draws, and gives the draws as a tensor too.
    fileprivate func draw(_ uniforms: UnsafeBufferPointer<Float>, into actions: UnsafeMutableBufferPointer<Float>) -> Tensor {
        let count = mean.shape[1]
        precondition(
            uniforms.count == mean.count && actions.count == mean.count,
            "means \(mean.shape) need as many uniforms and actions, not \(uniforms.count) and \(actions.count)")
        mean.withBuffer { mean in
            logDeviation.withBuffer { logDeviation in
                guard !isRowWise else {
                    for index in mean.indices { actions[index] = mean[index] + exp(logDeviation[index]) * normalQuantile(uniforms[index]) }
                    return
                }
                for k in 0..<count {
                    let deviation = exp(logDeviation[k])
                    for index in stride(from: k, to: mean.count, by: count) {
                        actions[index] = mean[index] + deviation * normalQuantile(uniforms[index])
                    }
                }
            }
        }
        return Tensor(mean.shape) { _ = $0.update(fromContentsOf: actions) }
    }
}

/// A normal distribution squashed by tanh (Haarnoja et al., 2018). Actions are told by the draw u before tanh, from which tanh u and the
/// density follow without loss; the density is that of tanh u in (−1, 1).
struct TanhGaussian {
    private let base: Gaussian

    init(_ output: PolicyOutput) { base = Gaussian(output) }

    /// [N]: log N(u) − Σ log(1 − tanh² u)
    func logProb(of draws: Tensor) -> Tensor { base.logProb(of: draws) - squashLogSlope(draws.detached) }

    /// [N]: the entropy of the normal distribution plus log(1 − tanh² u) at the draw, with u = mean + σ z and z held constant: an unbiased
    /// estimate whose gradient reaches mean and σ.
    func entropy(at draws: Tensor) -> Tensor {
        let deviation = exp(base.logDeviation)
        let distance = draws.detached - base.mean.detached
        guard !base.isRowWise else {
            return base.entropy + squashLogSlope(base.mean + distance / deviation.detached * deviation)
        }
        let z = multiplyRow(distance, 1 / deviation.detached)
        return base.entropy + squashLogSlope(base.mean + multiplyRow(z, deviation))
    }

    /// tanh u with u = mean + σ z, and its log-density [N]. The gradient of both reaches mean and σ through the draw ("reparameterised").
    ///
    /// log N(u) is written in z, a constant: u's own gradient and the mean's would cancel in it.
    func drawn(noise z: Tensor) -> (action: Tensor, logProb: Tensor) {
        let deviation = exp(base.logDeviation)
        let u = base.mean + (base.isRowWise ? z * deviation : multiplyRow(z, deviation))
        let constant = -0.5 * Float(log(2 * Double.pi)) * Float(z.shape[1])
        let density = sumLastAxis(-0.5 * square(z)) + constant
        let deviations = base.isRowWise ? sumLastAxis(base.logDeviation) : repeated(sum(base.logDeviation), z.shape[0])
        return (tanh(u), density - deviations - squashLogSlope(u))
    }

    /// Draws u, with the log-probabilities of tanh u.
    func sample(
        uniforms: UnsafeBufferPointer<Float>, actions: UnsafeMutableBufferPointer<Float>, logProbs: UnsafeMutableBufferPointer<Float>
    ) {
        write(logProb(of: base.draw(uniforms, into: actions)), to: logProbs)
    }
}

private func write(_ values: Tensor, to buffer: UnsafeMutableBufferPointer<Float>) {
    values.withBuffer { _ = buffer.update(fromContentsOf: $0) }
}

/// A scalar → [rows]
private func repeated(_ x: Tensor, _ rows: Int) -> Tensor { addRow(Tensor(zeros: [rows, 1]), x.reshaped([1])).reshaped([rows]) }

/// tanh of the C library, for the few values that are no tensor.
func hyperbolicTangent(_ x: Float) -> Float { tanhf(x) }

/// Φ⁻¹(u) for u in [0, 1): Acklam's rational approximation (relative error 1.2e-9), at the middle of the 24-bit cell that u names.
package func normalQuantile(_ uniform: Float) -> Float {
    let p = Double(uniform) + 0x1p-25
    func tail(_ p: Double) -> Double {
        let q = (-2 * log(p)).squareRoot()
        let top = ((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838) * q - 2.549732539343734) * q
            + 4.374664141464968) * q + 2.938163982698783
        let bottom = (((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1
        return top / bottom
    }
    if p < 0.02425 { return Float(tail(p)) }
    if p > 1 - 0.02425 { return Float(-tail(1 - p)) }
    let q = p - 0.5
    let r = q * q
    let top = (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r + 1.383577518672690e+02) * r
        - 3.066479806614716e+01) * r + 2.506628277459239) * q
    let bottom = ((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r + 6.680131188771972e+01) * r
        - 1.328068155288572e+01) * r + 1
    return Float(top / bottom)
}
