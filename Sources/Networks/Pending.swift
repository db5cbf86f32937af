import Tensors
func ones(_ n: Int, _ m: Int) -> Tensor { Tensor([Float](repeating: 1, count: n * m), [n, m]) }
func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor) -> Tensor { fatalError("pending") }
func normalize(_ x: Tensor, mean: Tensor, scale: Tensor, clip: Float) -> Tensor {
    let n = x.shape[0]
    return clamp((x - matmul(ones(n, 1), mean.reshaped([1, mean.count]))) * matmul(ones(n, 1), scale.reshaped([1, mean.count])), -clip, clip)
}
func gaussianLogProb(mean: Tensor, logDeviation: Tensor, action: Tensor) -> Tensor {
    let n = mean.shape[0]
    let ld = matmul(ones(n, 1), logDeviation.reshaped([1, logDeviation.count]))
    let z = (action - mean) / exp(ld)
    return sumLastAxis(-0.5 * square(z) - ld - 0.918938533)
}
func tanhLogDerivative(_ u: Tensor) -> Tensor { fatalError("pending") }
func columns(_ x: Tensor, _ range: Range<Int>) -> Tensor { fatalError("pending") }
struct Encoder: Sendable {
    let outputs = 0
    init?(_ kind: EncoderKind, _ space: Space, _ layout: inout ParameterLayout) throws(NetworkError) { return nil }
    func callAsFunction(_ o: Observations, _ p: Parameters) -> Tensor { fatalError() }
    func initialize(_ p: Parameters, _ i: inout Initializer) {}
}
struct RecurrentMemory: Sendable {
    let width = 0, stateCount = 0
    init?(_ kind: MemoryKind, inputs: Int, width: Int, _ layout: inout ParameterLayout) { return nil }
    func callAsFunction(_ x: Tensor, _ u: Unroll, _ p: Parameters) -> (Tensor, Tensor) { fatalError() }
    func initialize(_ p: Parameters, _ i: inout Initializer) {}
}
