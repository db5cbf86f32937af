import Tensors

/// Convolutions that turn images into vectors.
struct Encoder {
    /// One layer: a convolution with relu, or a block of IMPALA's residual network.
    private enum Layer {
        case convolution(Convolution)
        case residual(ResidualBlock)
    }

    private let layers: [Layer]
    private let layout: ImageLayout
    private let imageShape: [Int]
    private let high: Float
    /// The numbers of one vector.
    let outputs: Int

    /// Nil where observations are taken as they are.
    ///
    /// Adds "encoder.0.weight" [out, in, height, width], "encoder.0.bias" [out], … to the layout.
    init?(_ kind: EncoderKind, _ space: Space, _ layout: inout ParameterLayout) throws(NetworkError) {
        let shape = space.shape
        let isImage = shape.count == 3
        guard kind != .none, kind != .auto || isImage else { return nil }
        guard isImage else {
            throw NetworkError(
                problem: "the encoder \(kind.rawValue) needs images [height, width, channels], and observations are \(shape)",
                place: "network.encoder", remedy: "Set network.encoder to auto or none.")
        }
        // Fewer channels than pixels: what is smaller, the first axis or the last, holds the channels.
        self.layout = shape[0] < shape[2] ? .channelsFirst : .channelsLast
        let (height, width, channels) = shape[0] < shape[2] ? (shape[1], shape[2], shape[0]) : (shape[0], shape[1], shape[2])
        imageShape = shape
        if case .bytes(_, let most) = space { high = Float(most) } else { high = 1 }
        let resolved = kind == .auto ? (min(height, width) >= 36 ? EncoderKind.nature : .minatar) : kind
        var size = (height, width, channels)
        func convolution(_ filters: Int, _ kernel: Int, stride: Int) -> Layer {
            .convolution(Convolution("encoder", filters, kernel, stride: stride, padding: 0, &size, &layout))
        }
        switch resolved {
        case .minatar: layers = [convolution(16, 3, stride: 1)]
        case .nature: layers = [convolution(32, 8, stride: 4), convolution(64, 4, stride: 2), convolution(64, 3, stride: 1)]
        case .impala: layers = [16, 32, 32].map { .residual(ResidualBlock("encoder", filters: $0, &size, &layout)) }
        case .auto, .none: layers = []
        }
        guard size.0 > 0, size.1 > 0 else {
            throw NetworkError(
                problem: "images of \(height) × \(width) are too small for the encoder \(resolved.rawValue)", place: "network.encoder",
                remedy: "Set network.encoder to \(resolved == .minatar ? "none" : "minatar or none").")
        }
        outputs = size.0 * size.1 * size.2
    }

    /// [rows, outputs]
    func callAsFunction(_ observation: Observations, _ parameters: Parameters) -> Tensor {
        var input = Input.observations(observation, layout, imageShape, high)
        for layer in layers {
            switch layer {
            case .convolution(let convolution): input = .features(convolution(input, parameters, activation: .relu))
            case .residual(let block): input = .features(block(input, parameters))
            }
        }
        guard case .features(var features) = input else { preconditionFailure("an encoder without layers") }
        // A residual block ends without one.
        if case .residual? = layers.last { features = relu(features) }
        return features.reshaped([observation.count, outputs])
    }

    func initialize(_ parameters: Parameters, _ initializer: inout Initializer) {
        for layer in layers {
            switch layer {
            case .convolution(let convolution): convolution.initialize(parameters, &initializer)
            case .residual(let block): block.initialize(parameters, &initializer)
            }
        }
    }
}

/// What a convolution takes: images as the environment made them, or the layer before.
private enum Input {
    case observations(Observations, ImageLayout, [Int], Float)
    case features(Tensor)
}

private struct Convolution {
    private let weight, bias: Int
    private let stride, padding: Int

    /// Adds its parameters to the layout and changes `size` (height, width, channels) into that of its output.
    init(
        _ prefix: String, _ filters: Int, _ kernel: Int, stride: Int, padding: Int, _ size: inout (Int, Int, Int),
        _ layout: inout ParameterLayout
    ) {
        let shape = Conv2D(inChannels: size.2, outChannels: filters, kernel: kernel, stride: stride, padding: padding)
        let name = "\(prefix).\(layout.specs.count { $0.name.hasPrefix("\(prefix).") } / 2)"
        weight = layout.add("\(name).weight", shape.weightShape)
        bias = layout.add("\(name).bias", [filters])
        self.stride = stride
        self.padding = padding
        size = (shape.outputSize(size.0), shape.outputSize(size.1), filters)
    }

    /// [rows, height, width, filters]
    func callAsFunction(_ input: Input, _ parameters: Parameters, activation: LinearActivation) -> Tensor {
        let (weight, bias) = (parameters[weight], parameters[bias])
        switch input {
        case .features(let x): return conv2d(x, weight: weight, bias: bias, stride: stride, padding: padding, activation: activation)
        case .observations(let rows, let layout, let shape, let high):
            guard let bytes = rows.bytes else {
                let images = rows.vectors.reshaped([rows.count] + shape)
                return conv2d(images, weight: weight, bias: bias, stride: stride, padding: padding, layout: layout, activation: activation)
            }
            let images = ImageBatch(bytes, shape: [rows.count] + shape, layout: layout, high: high)
            return conv2d(images, weight: weight, bias: bias, stride: stride, padding: padding, activation: activation)
        }
    }

    func initialize(_ parameters: Parameters, _ initializer: inout Initializer) {
        initializer.orthogonal(parameters[weight], gain: Float(2).squareRoot())
    }
}

/// A block of IMPALA's deep network (Espeholt et al., 2018, figure 3): a convolution, a pooling by half, two residual units.
private struct ResidualBlock {
    private let first: Convolution
    private let units: [(Convolution, Convolution)]

    init(_ prefix: String, filters: Int, _ size: inout (Int, Int, Int), _ layout: inout ParameterLayout) {
        first = Convolution(prefix, filters, 3, stride: 1, padding: 1, &size, &layout)
        size = ((size.0 + 1) / 2, (size.1 + 1) / 2, filters)
        var units: [(Convolution, Convolution)] = []
        for _ in 0..<2 {
            units.append(
                (
                    Convolution(prefix, filters, 3, stride: 1, padding: 1, &size, &layout),
                    Convolution(prefix, filters, 3, stride: 1, padding: 1, &size, &layout)
                ))
        }
        self.units = units
    }

    func callAsFunction(_ input: Input, _ parameters: Parameters) -> Tensor {
        var x = maxPool2d(first(input, parameters, activation: .none), kernel: 3, stride: 2, padding: 1)
        for (inner, outer) in units {
            let hidden = inner(.features(relu(x)), parameters, activation: .relu)
            x = x + outer(.features(hidden), parameters, activation: .none)
        }
        return x
    }

    func initialize(_ parameters: Parameters, _ initializer: inout Initializer) {
        first.initialize(parameters, &initializer)
        for (inner, outer) in units {
            inner.initialize(parameters, &initializer)
            outer.initialize(parameters, &initializer)
        }
    }
}
