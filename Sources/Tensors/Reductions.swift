import CKernels

/// The sum of all values, a scalar.
public func sum(_ x: Tensor) -> Tensor { scaledSum(x, 1) }

/// The mean of all values, a scalar. Of nothing it is an error.
public func mean(_ x: Tensor) -> Tensor {
    precondition(x.count > 0, "the mean of a tensor of shape \(x.shape), which has no values")
    return scaledSum(x, 1 / Float(x.count))
}

private func scaledSum(_ x: Tensor, _ scale: Float) -> Tensor {
    let total = withExtendedLifetime(x.storage) { apus_sum(x.base, x.count) }
    let shape = x.shape
    return Tensor(total * scale).recorded(from: x) { gradient in
        let value = gradient.scalar * scale
        return Tensor(shape) { $0.update(repeating: value) }
    }
}

/// The sum over the last axis: [..., C] → [...]
public func sumLastAxis(_ x: Tensor) -> Tensor {
    let (rows, columns) = matrixShape(x, "sumLastAxis")
    let y = Tensor(uninitialized: Array(x.shape.dropLast()))
    withExtendedLifetime(x.storage) { apus_row_sums(x.base, y.base, rows, columns) }
    let shape = x.shape
    return y.recorded(from: x) { gradient in
        gradient.withBuffer { g in
            Tensor(shape) { for row in 0..<rows { ($0.baseAddress! + row * columns).update(repeating: g[row], count: columns) } }
        }
    }
}

/// x − log Σ exp x over the last axis: logits to log-probabilities.
public func logSoftmax(_ x: Tensor) -> Tensor {
    let (rows, columns) = matrixShape(x, "logSoftmax")
    let y = Tensor(uninitialized: x.shape)
    withExtendedLifetime(x.storage) { apus_log_softmax(x.base, y.base, rows, columns) }
    return y.recorded(from: x) { gradient in
        withExtendedLifetime(y.storage) { apus_log_softmax_backward(y.base, gradient.base, gradient.base, rows, columns) }
        return gradient
    }
}

/// The entropy −Σ p log p of each row of log-probabilities, [..., C] → [...], in nats. An impossible outcome (−∞) adds 0.
public func entropy(logProbabilities x: Tensor) -> Tensor {
    let (rows, columns) = matrixShape(x, "entropy")
    let y = Tensor(uninitialized: Array(x.shape.dropLast()))
    withExtendedLifetime(x.storage) { apus_entropy(x.base, y.base, rows, columns) }
    let saved = x.detached
    return y.recorded(from: x) { gradient in
        withExtendedLifetime((saved.storage, gradient.storage)) {
            Tensor(saved.shape) { apus_entropy_backward(saved.base, gradient.base, $0.baseAddress, rows, columns) }
        }
    }
}

/// One value of each row: [..., C] and an index per row → [...]
public func gather(_ x: Tensor, _ indices: [Int32]) -> Tensor {
    let (rows, columns) = matrixShape(x, "gather")
    precondition(indices.count == rows, "gather needs one index per row of \(x.shape), not \(indices.count)")
    let y = Tensor(uninitialized: Array(x.shape.dropLast()))
    withExtendedLifetime(x.storage) {
        for row in 0..<rows {
            let column = Int(indices[row])
            precondition(column >= 0 && column < columns, "index \(column) at row \(row) is outside the last axis of \(x.shape)")
            y.base[row] = x.base[row * columns + column]
        }
    }
    guard let node = x.node else { return y }
    let shape = x.shape
    return y.recorded(on: node.tape, inputs: [node]) { gradient in
        node.accumulate(zeroed: shape) { place in
            gradient.withBuffer { g in
                for row in 0..<rows { place[row * columns + Int(indices[row])] += g[row] }
            }
        }
    }
}

/// Where each row's largest value stands, the first of equals: [..., C] → one index per row.
public func argmax(_ x: Tensor) -> [Int32] {
    let (rows, columns) = matrixShape(x, "argmax")
    return x.withBuffer { values in
        (0..<rows).map { row in
            var best = 0
            for column in 1..<columns where values[row * columns + column] > values[row * columns + best] { best = column }
            return Int32(best)
        }
    }
}

/// Everything before the last axis as rows.
func matrixShape(_ x: Tensor, _ name: StaticString) -> (rows: Int, columns: Int) {
    guard let columns = x.shape.last, columns > 0 else {
        preconditionFailure("\(name) needs a last axis with values, not a tensor of shape \(x.shape)")
    }
    return (x.count / columns, columns)
}
