import Tensors

/// Independent categorical distributions: logits [N, Σ counts], the k-th of which has counts[k] columns.
struct MultiCategorical {
    private let parts: [Categorical]
    private let rows: Int

    init(logits: Tensor, counts: [Int]) {
        var start = 0
        parts = counts.map { count in
            defer { start += count }
            return Categorical(logits: logits.columns(start..<start + count))
        }
        rows = logits.shape[0]
    }

    /// [N]: the sum over the choices. Actions are [N, K].
    func logProb(of actions: [Int32]) -> Tensor { sum { $1.logProb(of: choice($0, of: actions)) } }

    /// [N], in nats: the sum over the choices.
    var entropy: Tensor { sum { $1.entropy } }

    /// - Parameter uniforms: [N, K]
    func sample(
        uniforms: UnsafeBufferPointer<Float>, actions: UnsafeMutableBufferPointer<Int32>, logProbs: UnsafeMutableBufferPointer<Float>
    ) {
        let count = parts.count
        var drawn = [Int32](repeating: 0, count: rows)
        var logProb = [Float](repeating: 0, count: rows)
        logProbs.update(repeating: 0)
        for (k, part) in parts.enumerated() {
            let column = (0..<rows).map { uniforms[$0 * count + k] }
            drawn.withUnsafeMutableBufferPointer { drawn in
                logProb.withUnsafeMutableBufferPointer { part.sample(uniforms: column, actions: drawn, logProbs: $0) }
            }
            for row in 0..<rows {
                actions[row * count + k] = drawn[row]
                logProbs[row] += logProb[row]
            }
        }
    }

    /// [N, K]
    func mode() -> [Int32] {
        let modes = parts.map { $0.mode() }
        return (0..<rows).flatMap { row in modes.map { $0[row] } }
    }

    private func choice(_ k: Int, of actions: [Int32]) -> [Int32] { (0..<rows).map { actions[$0 * parts.count + k] } }

    private func sum(_ term: (Int, Categorical) -> Tensor) -> Tensor {
        var total = term(0, parts[0])
        for k in 1..<max(parts.count, 1) { total = total + term(k, parts[k]) }
        return total
    }
}
