import Networks
import Platform
import Tensors

/// A network at one batch size as `apus bench networks` measures it, built from the operations of Tensors alone.
struct BenchNetwork {
    enum Layer {
        case conv(Conv2D)
        case dense(Int, Int, LinearActivation)
        /// Inputs and units.
        case lstm(Int, Int)
    }
    enum Input {
        case rows(Int)
        /// Height and width are equal.
        case images(ImageLayout, size: Int, channels: Int, bytes: Bool)
    }

    /// The same as in Benchmarks/pytorch/networks.py.
    let name: String
    /// Frames in one pass.
    let batch: Int
    let input: Input
    let layers: [Layer]
    /// Output layers side by side on the last of `layers`.
    let heads: [Int]
    /// Steps of an unroll; `batch` is steps × sequences.
    var steps = 1

    static let all =
        [32, 640].map(mlp64) + [mlp256(256)] + [256, 512, 2048, 4096].map { minAtar($0) } + [minAtar(2048, bytes: true)]
        + [64, 256].map { nature($0) } + [nature(256, bytes: true)] + [lstm]

    private static func mlp64(_ batch: Int) -> BenchNetwork {
        BenchNetwork(
            name: "mlp-4-64-64-2", batch: batch, input: .rows(4), layers: [.dense(4, 64, .tanh), .dense(64, 64, .tanh)], heads: [2, 1])
    }

    private static func mlp256(_ batch: Int) -> BenchNetwork {
        BenchNetwork(
            name: "mlp-17-256-256-6", batch: batch, input: .rows(17), layers: [.dense(17, 256, .tanh), .dense(256, 256, .tanh)], heads: [6])
    }

    private static func minAtar(_ batch: Int, bytes: Bool = false) -> BenchNetwork {
        BenchNetwork(
            name: bytes ? "minatar-bytes" : "minatar", batch: batch, input: .images(.channelsLast, size: 10, channels: 4, bytes: bytes),
            layers: [.conv(Conv2D(inChannels: 4, outChannels: 16, kernel: 3)), .dense(1024, 128, .relu)], heads: [6, 1])
    }

    private static func nature(_ batch: Int, bytes: Bool = false) -> BenchNetwork {
        BenchNetwork(
            name: bytes ? "nature-bytes" : "nature", batch: batch, input: .images(.channelsFirst, size: 84, channels: 4, bytes: bytes),
            layers: [
                .conv(Conv2D(inChannels: 4, outChannels: 32, kernel: 8, stride: 4)),
                .conv(Conv2D(inChannels: 32, outChannels: 64, kernel: 4, stride: 2)),
                .conv(Conv2D(inChannels: 64, outChannels: 64, kernel: 3)), .dense(3136, 512, .relu),
            ], heads: [6, 1])
    }

    private static let lstm = BenchNetwork(name: "lstm-256", batch: 640, input: .rows(256), layers: [.lstm(256, 256)], heads: [], steps: 20)

    /// The parameters in the order of the layers.
    var layout: ParameterLayout {
        var layout = ParameterLayout()
        func add(_ shapes: [Int]...) { for shape in shapes { _ = layout.add("\(layout.specs.count)", shape) } }
        for layer in layers {
            switch layer {
            case .conv(let convolution): add(convolution.weightShape, [convolution.outChannels])
            case .dense(let inputs, let outputs, _): add([outputs, inputs], [outputs])
            case .lstm(let inputs, let size): add([4 * size, inputs], [4 * size, size], [4 * size], [4 * size])
            }
        }
        for head in heads { add([head, width], [head]) }
        return layout
    }

    /// What the last of `layers` gives.
    private var width: Int {
        switch layers.last {
        case .dense(_, let outputs, _): outputs
        case .lstm(_, let size): size
        default: 0
        }
    }

    /// Additions and multiplications of the products of a forward pass, and of a forward and a backward pass, which leaves out the gradient
    /// of the input.
    var operations: (forward: Double, training: Double) {
        var (forward, first) = (0, 0)
        var size = 0
        if case .images(_, let side, _, _) = input { size = side }
        for (index, layer) in layers.enumerated() {
            let products: Int
            switch layer {
            case .conv(let convolution):
                size = convolution.outputSize(size)
                products = size * size * convolution.weightShape.reduce(1, *)
                if index == 0 { first = products }
            case .dense(let inputs, let outputs, _):
                products = inputs * outputs
                if index == 0 { first = products }
            case .lstm(let inputs, let units):
                products = 4 * units * (inputs + units)
                if index == 0 { first = 4 * units * inputs }
            }
            forward += products
        }
        for head in heads { forward += head * width }
        let scale = 2 * Double(batch)
        return (scale * Double(forward), scale * Double(3 * forward - first))
    }

    /// A pass with inputs of its own, which it makes once.
    func pass() -> (Parameters) -> [Tensor] {
        let (batch, layers, heads, steps) = (batch, layers, heads, steps)
        let firstInput = source()
        return { parameters in
            var x: Tensor?
            var next = 0
            func parameter() -> Tensor {
                next += 1
                return parameters[next - 1]
            }
            for layer in layers {
                switch layer {
                case .conv(let convolution):
                    let (weight, bias) = (parameter(), parameter())
                    x = x.map { conv2d($0, weight: weight, bias: bias, stride: convolution.stride, activation: .relu) }
                        ?? firstInput.convolved(weight, bias, convolution.stride)
                case .dense(let inputs, _, let activation):
                    let (weight, bias) = (parameter(), parameter())
                    x = linear((x ?? firstInput.tensor).reshaped([batch, inputs]), weight: weight, bias: bias, activation: activation)
                case .lstm(_, let size):
                    let weights = RecurrentWeights(input: parameter(), hidden: parameter(), inputBias: parameter(), hiddenBias: parameter())
                    let zero = Tensor(zeros: [batch / steps, size])
                    x = Tensors.lstm(x ?? firstInput.tensor, hidden: zero, cell: zero, weights: weights).output
                }
            }
            let last = x ?? firstInput.tensor
            return heads.isEmpty ? [last] : heads.map { _ in linear(last, weight: parameter(), bias: parameter()) }
        }
    }

    private struct Source {
        let tensor: Tensor
        let layout: ImageLayout
        let images: ImageBatch?

        func convolved(_ weight: Tensor, _ bias: Tensor, _ stride: Int) -> Tensor {
            if let images { return conv2d(images, weight: weight, bias: bias, stride: stride, activation: .relu) }
            return conv2d(tensor, weight: weight, bias: bias, stride: stride, layout: layout, activation: .relu)
        }
    }

    private func source() -> Source {
        switch input {
        case .rows(let count): return Source(tensor: randomTensor([batch, count], 1, seed: 1), layout: .channelsLast, images: nil)
        case .images(let layout, let size, let channels, let bytes):
            let shape = layout.shape(batch, height: size, width: size, channels: channels)
            if bytes {
                let values = [UInt8](unsafeUninitializedCapacity: shape.reduce(1, *)) { buffer, count in
                    count = shape.reduce(1, *)
                    for index in 0..<count { buffer[index] = UInt8(truncatingIfNeeded: index &* 73 &+ index >> 5) }
                }
                let images = ImageBatch(values.withUnsafeBytes { SharedBytes(copying: $0) }, shape: shape, layout: layout)
                return Source(tensor: Tensor(0), layout: layout, images: images)
            }
            return Source(tensor: randomTensor(shape, 1, seed: 1), layout: layout, images: nil)
        }
    }
}

/// Values in ±limit.
func randomTensor(_ shape: [Int], _ limit: Float, seed: UInt64) -> Tensor {
    let key = RandomKey(seed: seed, purpose: .learner)
    let values = Tensor(shape) { key.uniforms(step: 0, into: $0) }
    return values * (2 * limit) - limit
}
