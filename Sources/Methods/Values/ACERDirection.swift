import Glibc
import Tensors

extension ACER {
    /// What the policy's logits should do.
    package struct Direction {
        /// [rows, A]
        package let z: Tensor
        /// The mean of Σ_a [1 − c / ρ(a)]₊ π(a): how much of the gradient comes from the correction.
        package let correction: Float
        /// The share of rows that the trust region has limited.
        package let limited: Float
        /// The mean of KL(π̄ ‖ π).
        package let divergence: Float
    }

    /// - Parameters:
    ///   - logProbs, average: log π and log π̄, [rows, A].
    ///   - ratios: π / μ, [rows, A].
    ///   - q: [rows, A]; stateValue, target: of each row.
    package func direction(
        logProbs: Tensor, average: Tensor, ratios: Tensor, actions: [Int32], q: Tensor, stateValue: Tensor, target: Tensor
    ) -> Direction {
        let (rows, count) = (logProbs.shape[0], logProbs.shape[1])
        let (logPi, logAverage, rho, q) = (logProbs.values, average.values, ratios.values, q.values)
        let (v, target) = (stateValue.values, target.values)
        var (correction, limited, divergence) = (0.0, 0, 0.0)
        let z = Tensor([rows, count]) { z in
            var (pi, c, k) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
            for row in 0..<rows {
                let start = row * count
                var entropyOfRow: Float = 0
                for a in 0..<count {
                    pi[a] = Glibc.exp(logPi[start + a])
                    let share = max(0, 1 - truncation / rho[start + a]) * pi[a]
                    c[a] = share * (q[start + a] - v[row])
                    correction += Double(share)
                    if pi[a] > 0 { entropyOfRow -= pi[a] * logPi[start + a] }
                }
                let action = Int(actions[row])
                c[action] += min(truncation, rho[start + action]) * (target[row] - v[row])
                let total = c.reduce(0, +)
                var (along, square) = (Float(0), Float(0))
                for a in 0..<count {
                    let ofEntropy = pi[a] > 0 ? -pi[a] * (logPi[start + a] + entropyOfRow) : 0
                    z[start + a] = c[a] - pi[a] * total + entropy * ofEntropy
                    let averaged = Glibc.exp(logAverage[start + a])
                    k[a] = pi[a] - averaged
                    along += k[a] * z[start + a]
                    square += k[a] * k[a]
                    if averaged > 0 { divergence += Double(averaged * (logAverage[start + a] - logPi[start + a])) }
                }
                guard along > trustRegion, square > 0 else { continue }
                limited += 1
                let scale = (along - trustRegion) / square
                for a in 0..<count { z[start + a] -= scale * k[a] }
            }
        }
        return Direction(
            z: z, correction: Float(correction / Double(rows)), limited: Float(limited) / Float(rows),
            divergence: Float(divergence / Double(rows)))
    }
}
