import Tensors

/// A fully connected layer without activation.
struct Head {
    let weight, bias: Int

    /// Adds "NAME.weight" [outputs, inputs] and "NAME.bias" [outputs] to the layout.
    init(_ name: String, inputs: Int, outputs: Int, _ layout: inout ParameterLayout) {
        weight = layout.add("\(name).weight", [outputs, inputs])
        bias = layout.add("\(name).bias", [outputs])
    }

    func callAsFunction(_ x: Tensor, _ parameters: Parameters) -> Tensor {
        linear(x, weight: parameters[weight], bias: parameters[bias])
    }
}
