import Tensors

/// The layers of networks and the densities of continuous policies: `attributes` hold what is no tensor. Images are channels-first,
/// sequences time-major [T, B, …].
extension References {
    static let layers: [String: Evaluation] = [
        "gelu": { reference, comparison throws(ReferenceError) in try compareUnary(reference, &comparison, gelu) },
        "silu": { reference, comparison throws(ReferenceError) in try compareUnary(reference, &comparison, silu) },
        "layer_norm": { reference, comparison throws(ReferenceError) in
            let epsilon = try reference.number("attributes", "epsilon")
            try compareOperation(reference, &comparison, ["x", "weight", "bias"]) { inputs throws(ReferenceError) in
                try rows(inputs[0], of: reference, beside: [inputs[1], inputs[2]])
                return layerNorm(inputs[0], weight: inputs[1], bias: inputs[2], epsilon: epsilon)
            }
        },
        "rms_norm": { reference, comparison throws(ReferenceError) in
            let epsilon = try reference.number("attributes", "epsilon")
            try compareOperation(reference, &comparison, ["x", "weight"]) { inputs throws(ReferenceError) in
                try rows(inputs[0], of: reference, beside: [inputs[1]])
                return rmsNorm(inputs[0], weight: inputs[1], epsilon: epsilon)
            }
        },
        "conv2d": { reference, comparison throws(ReferenceError) in
            let (stride, padding) = (try whole(reference, "stride", from: 1), try whole(reference, "padding", from: 0))
            try compareOperation(reference, &comparison, ["x", "weight", "bias"], images: true) { inputs throws(ReferenceError) in
                let (x, weight, bias) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
                guard (x + weight).allSatisfy({ $0 > 0 }), weight.count == 4, weight[1] == x[3], bias == [weight[0]],
                    zip(weight[2...], x[1...]).allSatisfy({ $0 <= $1 + 2 * padding })
                else { throw reference.fail("x \(x), weight \(weight) and bias \(bias) do not fit together") }
                return conv2d(inputs[0], weight: inputs[1], bias: inputs[2], stride: stride, padding: padding)
            }
        },
        "max_pool2d": { reference, comparison throws(ReferenceError) in
            let (kernel, stride) = (try whole(reference, "kernel", from: 1), try whole(reference, "stride", from: 1))
            let padding = try whole(reference, "padding", from: 0)
            guard 2 * padding <= kernel else { throw reference.fail("attributes.padding is \(padding), more than half of \(kernel)") }
            try compareOperation(reference, &comparison, ["x"], images: true) { inputs throws(ReferenceError) in
                let x = inputs[0].shape
                guard x.allSatisfy({ $0 > 0 }), x[1...2].allSatisfy({ kernel <= $0 + 2 * padding }) else {
                    throw reference.fail("a window of \(kernel) does not fit into images \(x)")
                }
                return maxPool2d(inputs[0], kernel: kernel, stride: stride, padding: padding)
            }
        },
        "lstm": { reference, comparison throws(ReferenceError) in
            try compareOperation(reference, &comparison, ["x", "h", "c", "w_ih", "w_hh", "b_ih", "b_hh"]) { inputs throws(ReferenceError) in
                let (x, weights) = try recurrent(reference, inputs[0], states: [inputs[1], inputs[2]], Array(inputs[3...]), gates: 4)
                let output = lstm(x, hidden: inputs[1], cell: inputs[2], weights: weights).output
                return output.reshaped(inputs[0].shape.dropLast() + [inputs[1].shape[1]])
            }
        },
        "gru": { reference, comparison throws(ReferenceError) in
            try compareOperation(reference, &comparison, ["x", "h", "w_ih", "w_hh", "b_ih", "b_hh"]) { inputs throws(ReferenceError) in
                let (x, weights) = try recurrent(reference, inputs[0], states: [inputs[1]], Array(inputs[2...]), gates: 3)
                return gru(x, hidden: inputs[1], weights: weights).reshaped(inputs[0].shape.dropLast() + [inputs[1].shape[1]])
            }
        },
        "gaussian_log_prob": { reference, comparison throws(ReferenceError) in
            try compareOperation(reference, &comparison, ["mean", "log_std", "action"]) { inputs throws(ReferenceError) in
                try density(reference, inputs)
            }
        },
        // Of tanh u, told by u.
        "tanh_gaussian_log_prob_of_pre_tanh_u": { reference, comparison throws(ReferenceError) in
            try compareOperation(reference, &comparison, ["mean", "log_std", "u"]) { inputs throws(ReferenceError) in
                try density(reference, inputs) - squashLogSlope(inputs[2])
            }
        },
    ]

    /// An attribute that is a whole number, small enough to compute with.
    private static func whole(_ reference: ReferenceCase, _ name: String, from least: Int) throws(ReferenceError) -> Int {
        guard let value = try reference.member("attributes", name).integer, least...1024 ~= value else {
            throw reference.fail("attributes.\(name) is no whole number from \(least) to 1024")
        }
        return value
    }

    /// Checks that the last axis of x is that of some vectors.
    private static func rows(_ x: Tensor, of reference: ReferenceCase, beside vectors: [Tensor]) throws(ReferenceError) {
        guard let width = x.shape.last, width > 0, vectors.allSatisfy({ $0.shape == [width] }) else {
            throw reference.fail("x \(x.shape) and vectors \(vectors.map(\.shape)) do not fit together")
        }
    }

    /// x as a matrix, and the weights, when they and the states fit together.
    private static func recurrent(
        _ reference: ReferenceCase, _ x: Tensor, states: [Tensor], _ weights: [Tensor], gates: Int
    ) throws(ReferenceError) -> (Tensor, RecurrentWeights) {
        guard try reference.member("attributes", "time_major").bool == true else { throw reference.fail("attributes.time_major is not true") }
        let (shape, state) = (x.shape, states[0].shape)
        guard shape.count == 3, state.count == 2, (shape + state).allSatisfy({ $0 > 0 }), state[0] == shape[1],
            states.allSatisfy({ $0.shape == state }),
            weights.map(\.shape) == [[gates * state[1], shape[2]], [gates * state[1], state[1]], [gates * state[1]], [gates * state[1]]]
        else { throw reference.fail("x \(shape), states \(states.map(\.shape)) and weights \(weights.map(\.shape)) do not fit together") }
        return (
            x.reshaped([shape[0] * shape[1], shape[2]]),
            RecurrentWeights(input: weights[0], hidden: weights[1], inputBias: weights[2], hiddenBias: weights[3])
        )
    }

    /// A normal density of actions [N, A].
    private static func density(_ reference: ReferenceCase, _ inputs: [Tensor]) throws(ReferenceError) -> Tensor {
        let (mean, deviation, action) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
        guard mean.count == 2, mean[1] > 0, action == mean, deviation == [mean[1]] || deviation == mean else {
            throw reference.fail("mean \(mean), log_std \(deviation) and action \(action) do not fit together")
        }
        return gaussianLogProb(mean: inputs[0], logDeviation: inputs[1], action: inputs[2])
    }
}
