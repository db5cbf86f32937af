import Tensors

/// Fully connected layers, one after the other, each with an activation.
struct DenseStack {
    private struct Layer {
        let weight, bias: Int
        /// Scale and shift of the layer normalisation before the activation.
        let norm: (weight: Int, bias: Int)?
    }

    private let layers: [Layer]
    private let activation: Activation
    let outputs: Int

    /// Adds "NAME.0.weight" [hidden, inputs], "NAME.0.bias" [hidden], … to the layout.
    init(_ name: String, inputs: Int, widths: [Int], activation: Activation, layerNorm: Bool, _ layout: inout ParameterLayout) {
        var layers = [Layer]()
        var width = inputs
        for (index, outputs) in widths.enumerated() {
            let weight = layout.add("\(name).\(index).weight", [outputs, width])
            let bias = layout.add("\(name).\(index).bias", [outputs])
            let norm =
                layerNorm
                ? (layout.add("\(name).\(index).norm.weight", [outputs]), layout.add("\(name).\(index).norm.bias", [outputs])) : nil
            layers.append(Layer(weight: weight, bias: bias, norm: norm))
            width = outputs
        }
        self.layers = layers
        self.activation = activation
        outputs = width
    }

    /// [rows, inputs] → [rows, outputs]
    func callAsFunction(_ x: Tensor, _ parameters: Parameters) -> Tensor {
        var x = x
        for layer in layers {
            guard let norm = layer.norm else {
                x = linear(x, weight: parameters[layer.weight], bias: parameters[layer.bias], activation: activation.fused)
                continue
            }
            let sums = linear(x, weight: parameters[layer.weight], bias: parameters[layer.bias])
            x = activation(layerNorm(sums, weight: parameters[norm.weight], bias: parameters[norm.bias]))
        }
        return x
    }

    /// Orthogonal matrices with gain √2, biases 0, normalisation the identity.
    func initialize(_ parameters: Parameters, _ initializer: inout Initializer) {
        for layer in layers {
            initializer.orthogonal(parameters[layer.weight], gain: Float(2).squareRoot())
            if let norm = layer.norm { parameters[norm.weight].withMutableBuffer { $0.update(repeating: 1) } }
        }
    }
}

extension Activation {
    func callAsFunction(_ x: Tensor) -> Tensor {
        switch self {
        case .tanh: Tensors.tanh(x)
        case .relu: Tensors.relu(x)
        }
    }
}
