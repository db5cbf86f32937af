import CKernels

// Operations value by value, each with its gradient. Tensors of two operands have the same shape; the other operand may be a number.

private typealias Unary = (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void
private typealias Binary = (UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void

@inline(__always)
private func map(_ x: Tensor, _ kernel: Unary) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    withExtendedLifetime(x.storage) { kernel(x.base, y.base, y.count) }
    return y
}

@inline(__always)
private func map(_ a: Tensor, _ b: Tensor, _ name: StaticString, _ kernel: Binary) -> Tensor {
    precondition(a.shape == b.shape, "\(name) needs tensors of one shape, not \(a.shape) and \(b.shape)")
    let y = Tensor(uninitialized: a.shape)
    withExtendedLifetime((a.storage, b.storage)) { kernel(a.base, b.base, y.base, y.count) }
    return y
}

/// The gradient kernels of one saved tensor work in place on the gradient of the output, which nobody needs afterwards.
@inline(__always)
private func back(_ gradient: Tensor, _ saved: Tensor, _ kernel: Binary) -> Tensor {
    withExtendedLifetime(saved.storage) { kernel(saved.base, gradient.base, gradient.base, gradient.count) }
    return gradient
}

private func gradient(where a: Tensor, isLessThan b: Tensor, _ gradient: Tensor) -> Tensor {
    withExtendedLifetime((b.storage, gradient.storage)) { map(a) { apus_less_backward($0, b.base, gradient.base, $1, $2) } }
}

/// Of y = a / b with respect to b.
private func divisorGradient(_ y: Tensor, _ b: Tensor, _ gradient: Tensor) -> Tensor {
    withExtendedLifetime((b.storage, gradient.storage)) { map(y) { apus_divide_backward($0, b.base, gradient.base, $1, $2) } }
}

private func affine(_ x: Tensor, _ scale: Float, _ shift: Float) -> Tensor {
    map(x) { apus_affine($0, scale, shift, $1, $2) }
        .recorded(from: x) { gradient in map(gradient) { apus_affine($0, scale, 0, $1, $2) } }
}

extension Tensor {
    public static func + (a: Tensor, b: Tensor) -> Tensor {
        map(a, b, "+", apus_add).recorded(from: a, b, { b.isTracked ? $0.copied() : $0 }, { $0 })
    }
    public static func - (a: Tensor, b: Tensor) -> Tensor {
        map(a, b, "-", apus_subtract).recorded(from: a, b, { b.isTracked ? $0.copied() : $0 }, { affine($0, -1, 0) })
    }
    public static func * (a: Tensor, b: Tensor) -> Tensor {
        let (left, right) = (a.detached, b.detached)
        return map(a, b, "*", apus_multiply).recorded(from: a, b, { $0 * right }, { $0 * left })
    }
    public static func / (a: Tensor, b: Tensor) -> Tensor {
        let y = map(a, b, "/", apus_divide)
        let divisor = b.detached
        return y.recorded(from: a, b, { $0 / divisor }, { divisorGradient(y, divisor, $0) })
    }
    public static prefix func - (x: Tensor) -> Tensor { affine(x, -1, 0) }

    public static func + (x: Tensor, number: Float) -> Tensor { affine(x, 1, number) }
    public static func + (number: Float, x: Tensor) -> Tensor { affine(x, 1, number) }
    public static func - (x: Tensor, number: Float) -> Tensor { affine(x, 1, -number) }
    public static func - (number: Float, x: Tensor) -> Tensor { affine(x, -1, number) }
    public static func * (x: Tensor, number: Float) -> Tensor { affine(x, number, 0) }
    public static func * (number: Float, x: Tensor) -> Tensor { affine(x, number, 0) }
    public static func / (x: Tensor, number: Float) -> Tensor { affine(x, 1 / number, 0) }
    public static func / (number: Float, x: Tensor) -> Tensor {
        let y = map(x) { apus_reciprocal($0, number, $1, $2) }
        let divisor = x.detached
        return y.recorded(from: x) { divisorGradient(y, divisor, $0) }
    }
}

public func exp(_ x: Tensor) -> Tensor {
    let y = map(x, apus_exp)
    return y.recorded(from: x) { $0 * y }
}

public func log(_ x: Tensor) -> Tensor {
    let saved = x.detached
    return map(x, apus_log).recorded(from: x) { $0 / saved }
}

public func tanh(_ x: Tensor) -> Tensor {
    let y = map(x, apus_tanh)
    return y.recorded(from: x) { back($0, y, apus_tanh_backward) }
}

/// max(x, 0); its gradient at 0 is 0.
public func relu(_ x: Tensor) -> Tensor {
    let y = map(x, apus_relu)
    return y.recorded(from: x) { back($0, y, apus_relu_backward) }
}

/// 1 / (1 + exp(−x))
public func sigmoid(_ x: Tensor) -> Tensor {
    let y = map(x, apus_sigmoid)
    return y.recorded(from: x) { back($0, y, apus_sigmoid_backward) }
}

/// x · Φ(x) with the normal distribution function Φ (exact, not its approximation by tanh).
public func gelu(_ x: Tensor) -> Tensor {
    let saved = x.detached
    return map(x, apus_gelu).recorded(from: x) { back($0, saved, apus_gelu_backward) }
}

/// x · sigmoid(x)
public func silu(_ x: Tensor) -> Tensor {
    let saved = x.detached
    return map(x, apus_silu).recorded(from: x) { back($0, saved, apus_silu_backward) }
}

/// x²
public func square(_ x: Tensor) -> Tensor {
    let saved = x.detached
    return map(x, apus_square).recorded(from: x) { back($0, saved, apus_square_backward) }
}

/// The smaller of two values, NaN when either is NaN. Where they are equal, each gets half of the gradient (as in PyTorch).
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (left, right) = (a.detached, b.detached)
    return map(a, b, "minimum", apus_minimum).recorded(
        from: a, b, { gradient(where: left, isLessThan: right, $0) }, { gradient(where: right, isLessThan: left, $0) })
}

/// The larger of two values, NaN when either is NaN. Where they are equal, each gets half of the gradient (as in PyTorch).
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (left, right) = (a.detached, b.detached)
    return map(a, b, "maximum", apus_maximum).recorded(
        from: a, b, { gradient(where: right, isLessThan: left, $0) }, { gradient(where: left, isLessThan: right, $0) })
}

/// x limited to low … high. The gradient passes where low ≤ x ≤ high, bounds included (as in PyTorch).
public func clamp(_ x: Tensor, _ low: Float, _ high: Float) -> Tensor {
    precondition(low <= high, "clamp needs low ≤ high, not \(low) and \(high)")
    let saved = x.detached
    return map(x) { apus_clamp($0, low, high, $1, $2) }.recorded(from: x) { gradient in
        withExtendedLifetime(saved.storage) { apus_clamp_backward(saved.base, low, high, gradient.base, gradient.base, gradient.count) }
        return gradient
    }
}
