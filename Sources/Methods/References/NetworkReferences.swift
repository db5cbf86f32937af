import Networks
import Tensors

/// Operations with their gradients (`inputs`, `output`, `cotangent`, `gradients`), optimisers (`start`, `gradients`,
/// `parameters_after_each_step`), clipping. Every tensor is `{"shape", "data"}`.
extension References {
    static let networks: [String: Evaluation] = [
        "linear": { reference, comparison throws(ReferenceError) in
            try compareOperation(reference, &comparison, ["x", "weight", "bias"]) { inputs throws(ReferenceError) in
                let (x, weight, bias) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
                guard x.count == 2, weight.count == 2, bias.count == 1, x[1] == weight[1], bias[0] == weight[0] else {
                    throw reference.fail("x \(x), weight \(weight) and bias \(bias) do not fit together")
                }
                return linear(inputs[0], weight: inputs[1], bias: inputs[2])
            }
        },
        "relu": { reference, comparison throws(ReferenceError) in try compareUnary(reference, &comparison, relu) },
        "tanh": { reference, comparison throws(ReferenceError) in try compareUnary(reference, &comparison, tanh) },
        "sigmoid": { reference, comparison throws(ReferenceError) in try compareUnary(reference, &comparison, sigmoid) },
        "log_softmax": { reference, comparison throws(ReferenceError) in
            try compareOperation(reference, &comparison, ["x"]) { inputs throws(ReferenceError) in
                guard inputs[0].shape.last ?? 0 > 0 else { throw reference.fail("inputs.x has no last axis") }
                return logSoftmax(inputs[0])
            }
        },
        // The settings with which the reference files were made, where a case does not name its own.
        "optimizer_adam": { reference, comparison throws(ReferenceError) in
            try compareOptimizer(reference, &comparison, learningRate: 0.01) { Adam(count: $0) }
        },
        "optimizer_rmsprop": { reference, comparison throws(ReferenceError) in
            try compareOptimizer(reference, &comparison, learningRate: 0.01) { RMSProp(count: $0, alpha: 0.99, epsilon: 1e-5) }
        },
        "clip_by_global_norm": { reference, comparison throws(ReferenceError) in
            let maximum = try reference.number("max_norm")
            let gradients = try values(reference, "gradients")
            let gradient = Tensor(gradients, [gradients.count])
            let norm = globalNorm(gradient)
            try comparison.add([norm], [reference.number("norm")], "norm", of: reference)
            try comparison.add(
                (gradient * clipScale(norm: norm, maximum: maximum)).values, values(reference, "clipped"), "clipped", of: reference)
        },
    ]

    /// An operation on named inputs, and the gradients of its output's product with the cotangent.
    ///
    /// - Parameter images: "x", the output and their gradients are images, channels-first in the file and channels-last here.
    static func compareOperation(
        _ reference: ReferenceCase, _ comparison: inout Comparison, _ names: [String], images: Bool = false,
        _ operation: ([Tensor]) throws(ReferenceError) -> Tensor
    ) throws(ReferenceError) {
        func read(_ path: String...) throws(ReferenceError) -> Tensor {
            let tensor = try reference.tensor(path)
            guard images, path.count == 1 || path.last == "x" else { return tensor }
            guard tensor.shape.count == 4 else {
                throw reference.fail("\(path.joined(separator: ".")) \(tensor.shape) is no batch of images")
            }
            return channelsLast(tensor)
        }
        let tape = Tape()
        var (inputs, gradients) = ([Tensor](), [Tensor]())
        for name in names {
            let value = try read("inputs", name)
            gradients.append(Tensor(zeros: value.shape))
            inputs.append(tape.watch(value, accumulatingInto: gradients.last!))
        }
        let output = try operation(inputs)
        let cotangent = try read("cotangent")
        guard cotangent.shape == output.shape else { throw reference.fail("cotangent \(cotangent.shape) of an output \(output.shape)") }
        tape.backward(sum(output * cotangent))
        try comparison.add(output.values, read("output").values, "output", of: reference)
        for (name, gradient) in zip(names, gradients) {
            try comparison.add(gradient.values, read("gradients", name).values, "gradients.\(name)", of: reference)
        }
    }

    /// [N, channels, height, width] → [N, height, width, channels]
    private static func channelsLast(_ x: Tensor) -> Tensor {
        let (channels, pixels) = (x.shape[1], x.shape[2] * x.shape[3])
        return Tensor([x.shape[0], x.shape[2], x.shape[3], channels]) { target in
            x.withBuffer { source in
                for index in 0..<source.count {
                    let (row, channel) = index.quotientAndRemainder(dividingBy: channels)
                    let (image, pixel) = row.quotientAndRemainder(dividingBy: pixels)
                    target[index] = source[(image * channels + channel) * pixels + pixel]
                }
            }
        }
    }

    static func compareUnary(
        _ reference: ReferenceCase, _ comparison: inout Comparison, _ operation: (Tensor) -> Tensor
    ) throws(ReferenceError) {
        try compareOperation(reference, &comparison, ["x"]) { inputs throws(ReferenceError) in operation(inputs[0]) }
    }

    /// The parameters after each of some steps with given gradients.
    private static func compareOptimizer(
        _ reference: ReferenceCase, _ comparison: inout Comparison, learningRate: Float, _ make: (Int) -> some Optimizer
    ) throws(ReferenceError) {
        let start = try reference.tensor("start")
        let (gradients, expected) = (try reference.tensor("gradients"), try reference.tensor("parameters_after_each_step"))
        guard gradients.shape.count == 2, gradients.shape[1] == start.count, expected.shape == gradients.shape else {
            throw reference.fail("\(gradients.shape) gradients and \(expected.shape) results for \(start.count) parameters")
        }
        var layout = ParameterLayout()
        _ = layout.add("parameters", [start.count])
        let weights = Weights(layout)
        weights.flat.withMutableBuffer { flat in start.withBuffer { _ = flat.update(fromContentsOf: $0) } }
        var optimizer = make(start.count)
        for step in 0..<gradients.shape[0] {
            weights.gradient.withMutableBuffer { flat in
                gradients.rows(step..<step + 1).withBuffer { _ = flat.update(fromContentsOf: $0) }
            }
            optimizer.step(weights, learningRate: learningRate, gradientScale: 1)
            try comparison.add(
                weights.flat.values, expected.rows(step..<step + 1).values, "parameters_after_each_step", of: reference)
        }
    }

    /// All numbers of a list of tensors.
    private static func values(_ reference: ReferenceCase, _ key: String) throws(ReferenceError) -> [Float] {
        guard let list = try reference.member(key).array else { throw reference.fail("\(key) is no list of tensors") }
        var numbers: [Float] = []
        for tensor in list { numbers += try reference.tensor(tensor, key).values }
        return numbers
    }
}
