import CKernels
import COpenBLAS

/// How many threads a matrix product or a convolution may use in this process. An actor sets 1 before its first product: several processes
/// with as many threads as cores each slow one another down.
public func setBLASThreads(_ count: Int) {
    precondition(count >= 1, "a matrix product needs at least one thread, not \(count)")
    openblas_set_num_threads(Int32(count))
    apus_set_threads(Int32(clamping: count))
}

/// C = op(A) op(B) + bias, or that added to C; op(A) [m, k], op(B) [k, n], C [m, n], all row-major and contiguous, the transposed ones as
/// stored. `rectified` gives its relu.
///
/// Our own kernels where they are faster, else OpenBLAS: on processors without AVX2, and for the smallest products.
func product(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, transposed aTransposed: Bool, _ b: UnsafePointer<Float>,
    transposed bTransposed: Bool, packed: UnsafePointer<Float>? = nil, adding: Bool, _ c: UnsafeMutablePointer<Float>,
    bias: UnsafePointer<Float>? = nil, rectified: Bool = false, threads most: Int32 = apus_threads()
) {
    guard m > 0, n > 0 else { return }
    guard k > 0 else {
        if !adding { c.update(repeating: 0, count: m * n) }
        return addBias(m, n, c, bias, rectified)
    }
    // A thread's share should take some microseconds, which is what waking it costs.
    let threads = min(most, Int32(clamping: max(1, (m * n * k) >> 18)))
    var order = ApusProduct(
        rows: m, columns: n, depth: k, a: a, b: b, bias: bias, packed: packed, c: c, a_transposed: aTransposed ? 1 : 0,
        b_transposed: bTransposed ? 1 : 0, adds: adding ? 1 : 0, rectifies: rectified ? 1 : 0, threads: threads)
    if packed != nil || apus_product_pays(&order) != 0 {
        let workspace = Storage(count: apus_product_workspace(&order))
        withExtendedLifetime(workspace) { apus_product(&order, workspace.pointer) }
        return
    }
    cblas_sgemm(
        CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans, bTransposed ? CblasTrans : CblasNoTrans, Int32(m), Int32(n), Int32(k), 1, a,
        Int32(aTransposed ? m : k), b, Int32(bTransposed ? k : n), adding ? 1 : 0, c, Int32(n))
    addBias(m, n, c, bias, rectified)
}

/// The right matrix of several products, one after the other: packed once where that pays.
package struct RightMatrix {
    private let values: Tensor
    private let isTransposed: Bool
    private let packed: Storage?
    private let depth: Int
    private let columns: Int

    /// - Parameters:
    ///   - values: [k, n], or [n, k] as stored when `transposed`; does not change meanwhile.
    ///   - rows: of the left matrices.
    ///   - uses: how many products there will be.
    init(_ values: Tensor, transposed: Bool, rows: Int, uses: Int) {
        self.values = values.detached
        isTransposed = transposed
        (depth, columns) = transposed ? (values.shape[1], values.shape[0]) : (values.shape[0], values.shape[1])
        var order = ApusProduct()
        (order.rows, order.columns, order.depth) = (rows, columns, depth)
        (order.b, order.b_transposed) = (UnsafePointer(values.base), transposed ? 1 : 0)
        guard uses > 1, apus_product_pays(&order) != 0 else {
            packed = nil
            return
        }
        packed = Self.packing(self.values, transposed, depth: depth, columns: columns)
    }

    /// The same, packed in any case: then a row of a product has the same bits whatever rows stand beside it.
    package init(packing values: Tensor, transposed: Bool) {
        self.values = values.detached
        isTransposed = transposed
        (depth, columns) = transposed ? (values.shape[1], values.shape[0]) : (values.shape[0], values.shape[1])
        packed = Self.packing(self.values, transposed, depth: depth, columns: columns)
    }

    private static func packing(_ values: Tensor, _ transposed: Bool, depth: Int, columns: Int) -> Storage {
        var order = ApusProduct()
        (order.columns, order.depth, order.b, order.b_transposed) = (columns, depth, UnsafePointer(values.base), transposed ? 1 : 0)
        order.threads = min(apus_threads(), Int32(clamping: max(1, (depth * columns) >> 16)))
        let storage = Storage(count: depth * ((columns + 15) / 16 * 16))
        withExtendedLifetime(values.storage) { apus_product_pack(&order, storage.pointer) }
        return storage
    }

    /// c = a · this, or that added to c: a [rows, k], c [rows, n].
    package func multiplied(
        by a: UnsafePointer<Float>, rows: Int, adding: Bool, _ c: UnsafeMutablePointer<Float>, threads: Int32 = apus_threads()
    ) {
        withExtendedLifetime((values.storage, packed)) {
            product(
                rows, columns, depth, a, transposed: false, values.base, transposed: isTransposed, packed: packed?.pointer, adding: adding,
                c, threads: threads)
        }
    }
}

private func addBias(_ m: Int, _ n: Int, _ c: UnsafeMutablePointer<Float>, _ bias: UnsafePointer<Float>?, _ rectified: Bool) {
    if let bias {
        rectified ? apus_bias_relu(c, bias, m, n) : apus_bias(c, bias, m, n)
    } else if rectified {
        apus_relu(c, c, m * n)
    }
}

/// a [M, K] · b [K, N] → [M, N]
public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(
        a.shape.count == 2 && b.shape.count == 2 && a.shape[1] == b.shape[0],
        "matmul needs [M, K] and [K, N], not \(a.shape) and \(b.shape)")
    let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
    let y = Tensor(uninitialized: [m, n])
    let (left, right) = (a.detached, b.detached)
    withExtendedLifetime((left.storage, right.storage)) {
        product(m, n, k, left.base, transposed: false, right.base, transposed: false, adding: false, y.base)
    }
    guard let tape = (a.node ?? b.node)?.tape else { return y }
    let (nodeA, nodeB) = (a.node, b.node)
    return y.recorded(on: tape, inputs: [nodeA, nodeB].compactMap { $0 }) { gradient in
        withExtendedLifetime((left.storage, right.storage, gradient.storage)) {
            nodeA?.accumulate([m, k]) { product(m, k, n, gradient.base, transposed: false, right.base, transposed: true, adding: $1, $0) }
            nodeB?.accumulate([k, n]) { product(k, n, m, left.base, transposed: true, gradient.base, transposed: false, adding: $1, $0) }
        }
    }
}

/// What `linear` applies to its result.
public enum LinearActivation: Sendable {
    case none, tanh, relu

    var code: Int32 {
        switch self {
        case .none: Int32(APUS_LINEAR)
        case .tanh: Int32(APUS_TANH)
        case .relu: Int32(APUS_RELU)
        }
    }
}

/// y = activation(x Wᵀ + b): x [N, in], weight [out, in], bias [out] → [N, out].
///
/// One operation on the tape. The gradient of x is left out where x is a constant (the first layer), those of weight and bias are added
/// straight to where they are accumulated.
public func linear(_ x: Tensor, weight: Tensor, bias: Tensor, activation: LinearActivation = .none) -> Tensor {
    precondition(
        x.shape.count == 2 && weight.shape.count == 2 && x.shape[1] == weight.shape[1],
        "linear needs x [N, in] and weight [out, in], not \(x.shape) and \(weight.shape)")
    precondition(bias.shape == [weight.shape[0]], "linear needs weight [out, in] and bias [out], not \(weight.shape) and \(bias.shape)")
    let (rows, inputs, outputs) = (x.shape[0], x.shape[1], weight.shape[0])
    let y = Tensor(uninitialized: [rows, outputs])
    let (input, matrix) = (x.detached, weight.detached)
    withExtendedLifetime((x.storage, weight.storage, bias.storage)) {
        product(
            rows, outputs, inputs, input.base, transposed: false, matrix.base, transposed: true, adding: false, y.base, bias: bias.base,
            rectified: activation == .relu)
        if activation == .tanh { apus_tanh(y.base, y.base, y.count) }
    }
    guard let tape = (x.node ?? weight.node ?? bias.node)?.tape else { return y }
    let (nodeX, nodeWeight, nodeBias) = (x.node, weight.node, bias.node)
    return y.recorded(on: tape, inputs: [nodeX, nodeWeight, nodeBias].compactMap { $0 }) { gradient in
        withExtendedLifetime((input.storage, matrix.storage, y.storage, gradient.storage)) {
            // The gradient before the activation overwrites the one after it.
            let g = gradient.base
            let biasGradient = Tensor(zeros: [outputs])
            switch activation {
            case .none: apus_bias_backward(g, biasGradient.base, rows, outputs)
            case .tanh: apus_bias_tanh_backward(y.base, g, g, biasGradient.base, rows, outputs)
            case .relu: apus_bias_relu_backward(y.base, g, g, biasGradient.base, rows, outputs)
            }
            nodeBias?.receive(biasGradient)
            nodeWeight?.accumulate([outputs, inputs]) {
                product(outputs, inputs, rows, g, transposed: true, input.base, transposed: false, adding: $1, $0)
            }
            nodeX?.accumulate([rows, inputs]) {
                product(rows, inputs, outputs, g, transposed: false, matrix.base, transposed: false, adding: $1, $0)
            }
        }
    }
}
