import CKernels

// Operations on the last axis as columns.

/// The values of a beside those of b: [..., A] and [..., B] → [..., A + B]
public func concatenate(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (rows, columnsA) = matrixShape(a, "concatenate")
    let (rowsB, columnsB) = matrixShape(b, "concatenate")
    precondition(
        rows == rowsB && a.shape.dropLast() == b.shape.dropLast(),
        "concatenate needs tensors that differ in the last axis alone, not \(a.shape) and \(b.shape)")
    let columns = columnsA + columnsB
    let y = Tensor(uninitialized: a.shape.dropLast() + [columns])
    withExtendedLifetime((a.storage, b.storage)) {
        copyColumns(from: a.base, columnsA, to: y.base, columns, columnsA, rows: rows)
        copyColumns(from: b.base, columnsB, to: y.base + columnsA, columns, columnsB, rows: rows)
    }
    let (shapeA, shapeB) = (a.shape, b.shape)
    func part(_ gradient: Tensor, _ shape: [Int], from start: Int, _ count: Int) -> Tensor {
        let part = Tensor(uninitialized: shape)
        withExtendedLifetime(gradient.storage) {
            copyColumns(from: gradient.base + start, columns, to: part.base, count, count, rows: rows)
        }
        return part
    }
    return y.recorded(from: a, b, { part($0, shapeA, from: 0, columnsA) }, { part($0, shapeB, from: columnsA, columnsB) })
}

extension Tensor {
    /// A part of the last axis, as a copy: [..., C] → [..., range.count]
    public func columns(_ range: Range<Int>) -> Tensor {
        let (rows, columns) = matrixShape(self, "columns")
        precondition(
            range.lowerBound >= 0 && range.upperBound <= columns && !range.isEmpty,
            "columns \(range) are not in the last axis of a tensor of shape \(shape)")
        let y = Tensor(uninitialized: shape.dropLast() + [range.count])
        withExtendedLifetime(storage) {
            copyColumns(from: base + range.lowerBound, columns, to: y.base, range.count, range.count, rows: rows)
        }
        guard let node else { return y }
        let whole = shape
        return y.recorded(on: node.tape, inputs: [node]) { gradient in
            node.accumulate(zeroed: whole) { place in
                withExtendedLifetime(gradient.storage) {
                    for row in 0..<rows {
                        apus_axpy(1, gradient.base + row * range.count, place + row * columns + range.lowerBound, range.count)
                    }
                }
            }
        }
    }
}

/// x + row for every row: x [..., C], row [C]
public func addRow(_ x: Tensor, _ row: Tensor) -> Tensor {
    let (rows, columns) = rowShape(x, row, "addRow")
    let y = Tensor(uninitialized: x.shape)
    withExtendedLifetime((x.storage, row.storage)) { apus_add_row(x.base, row.base, y.base, rows, columns) }
    return y.recorded(
        from: row, x,
        { gradient in
            let sums = Tensor(zeros: [columns])
            withExtendedLifetime(gradient.storage) { apus_bias_backward(gradient.base, sums.base, rows, columns) }
            return sums
        }, { $0 })
}

/// x · row for every row: x [..., C], row [C]
public func multiplyRow(_ x: Tensor, _ row: Tensor) -> Tensor {
    let (rows, columns) = rowShape(x, row, "multiplyRow")
    let y = Tensor(uninitialized: x.shape)
    withExtendedLifetime((x.storage, row.storage)) { apus_multiply_row(x.base, row.base, y.base, rows, columns) }
    let (saved, factor) = (x.detached, row.detached)
    return y.recorded(
        from: row, x,
        { gradient in
            let sums = Tensor(zeros: [columns])
            withExtendedLifetime((gradient.storage, saved.storage)) {
                apus_multiply_row_backward(saved.base, gradient.base, sums.base, rows, columns)
            }
            return sums
        },
        { gradient in
            withExtendedLifetime(factor.storage) { apus_multiply_row(gradient.base, factor.base, gradient.base, rows, columns) }
            return gradient
        })
}

private func rowShape(_ x: Tensor, _ row: Tensor, _ name: StaticString) -> (rows: Int, columns: Int) {
    let shape = matrixShape(x, name)
    precondition(row.shape == [shape.columns], "\(name) needs a row [\(shape.columns)] for a tensor of shape \(x.shape), not \(row.shape)")
    return shape
}

/// `count` values of each row; the rows lie `fromJump` and `toJump` values apart.
private func copyColumns(
    from: UnsafePointer<Float>, _ fromJump: Int, to: UnsafeMutablePointer<Float>, _ toJump: Int, _ count: Int, rows: Int
) {
    for row in 0..<rows { (to + row * toJump).update(from: from + row * fromJump, count: count) }
}
