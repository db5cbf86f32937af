import Networks
import Platform
import Tensors
import Testing

/// Forward values, gradients and updates against PyTorch and rlax.
@Suite struct GoldenTests {
    static let layers: [String] = ["linear", "relu", "tanh", "sigmoid", "log_softmax"]

    private func apply(_ name: String, _ inputs: [String: Tensor]) -> Tensor {
        switch name {
        case "linear": linear(inputs["x"]!, weight: inputs["weight"]!, bias: inputs["bias"]!)
        case "relu": relu(inputs["x"]!)
        case "tanh": tanh(inputs["x"]!)
        case "sigmoid": sigmoid(inputs["x"]!)
        default: logSoftmax(inputs["x"]!)
        }
    }

    @Test(arguments: layers) func layer(_ name: String) throws {
        let cases = try Fixtures.cases(name, in: "networks.json")
        #expect(!cases.isEmpty)
        for golden in cases {
            let tape = Tape()
            var inputs = [String: Tensor](), gradients = [String: Tensor]()
            for member in try #require(golden["inputs"]?.object) {
                let value = try member.value.tensor
                gradients[member.name] = Tensor(zeros: value.shape)
                inputs[member.name] = tape.watch(value, accumulatingInto: gradients[member.name]!)
            }
            let output = apply(name, inputs)
            let expected = try #require(golden["output"]).tensor
            #expect(output.shape == expected.shape)
            expectClose(output.values, expected.values, name)
            tape.backward(sum(output * (try #require(golden["cotangent"]).tensor)))
            for member in try #require(golden["gradients"]?.object) {
                let actual = try #require(gradients[member.name]).values
                expectClose(actual, try member.value.tensor.values, "\(name), gradient of \(member.name)")
            }
        }
    }

    @Test func embedding() throws {
        let golden = try #require(try Fixtures.cases("embedding", in: "networks.json").first)
        let table = try #require(golden["inputs"]?["table"]).tensor
        let indices = try #require(golden["inputs"]?["index"]).tensor.values.map { Int32($0) }
        let gradient = Tensor(zeros: table.shape)
        let tape = Tape()
        let output = lookup(tape.watch(table, accumulatingInto: gradient), indices)
        expectClose(output.values, try #require(golden["output"]).tensor.values, "embedding")
        tape.backward(sum(output * (try #require(golden["cotangent"]).tensor.reshaped(output.shape))))
        expectClose(gradient.values, try #require(golden["gradients"]?["table"]).tensor.values, "gradient of the table")
    }

    /// The golden sequences are [batch, head, time, depth], ours packed rows of queries, keys and values.
    @Test func causalAttention() throws {
        let golden = try #require(try Fixtures.cases("causal_attention", in: "networks.json").first)
        let parts = try ["q", "k", "v"].map { try #require(golden["inputs"]?[$0]).tensor }
        let (batch, heads, time, depth) = (parts[0].shape[0], parts[0].shape[1], parts[0].shape[2], parts[0].shape[3])
        /// Value by value of a golden tensor: where it stands in rows of `count` such tensors.
        func places(_ part: Int, of count: Int) -> [Int] {
            (0..<batch * heads * time * depth).map { i in
                let (d, t, h, b) = (i % depth, i / depth % time, i / (depth * time) % heads, i / (depth * time * heads))
                return (b * time + t) * count * heads * depth + (part * heads + h) * depth + d
            }
        }
        var packed = [Float](repeating: 0, count: 3 * parts[0].count)
        for (part, tensor) in parts.enumerated() { for (place, value) in zip(places(part, of: 3), tensor.values) { packed[place] = value } }
        let x = Tensor(packed, [batch * time, 3 * heads * depth])
        let gradient = Tensor(zeros: x.shape)
        let tape = Tape()
        let output = attention(
            tape.watch(x, accumulatingInto: gradient), heads: AttentionHeads(queries: heads, keys: heads, width: depth),
            segments: (0..<batch).map { AttentionSegment(rows: $0 * time..<($0 + 1) * time) })
        let values = output.values
        expectClose(places(0, of: 1).map { values[$0] }, try #require(golden["output"]).tensor.values, "attention")
        var cotangent = values
        for (place, value) in zip(places(0, of: 1), try #require(golden["cotangent"]).tensor.values) { cotangent[place] = value }
        tape.backward(sum(output * Tensor(cotangent, output.shape)))
        for (part, name) in ["q", "k", "v"].enumerated() {
            let actual = gradient.values
            expectClose(
                places(part, of: 3).map { actual[$0] }, try #require(golden["gradients"]?[name]).tensor.values, "attention, gradient of \(name)")
        }
    }

    private func weights(_ values: [Float]) -> Weights {
        var layout = ParameterLayout()
        _ = layout.add("w", [values.count])
        let weights = Weights(layout)
        set(weights.flat, values)
        return weights
    }

    private func set(_ tensor: Tensor, _ values: [Float]) { tensor.withMutableBuffer { _ = $0.update(fromContentsOf: values) } }

    private func follow(_ golden: JSON, _ optimizer: (Int) -> some Optimizer, learningRate: Float) throws {
        let start = try #require(golden["start"]).tensor.values
        let gradients = try #require(golden["gradients"]).tensor
        let expected = try #require(golden["parameters_after_each_step"]).tensor
        let weights = weights(start)
        var optimizer = optimizer(start.count)
        for step in 0..<gradients.shape[0] {
            set(weights.gradient, gradients.rows(step..<step + 1).values)
            // The state goes through its saved form on the way, and the scale undoes a doubled gradient.
            if step == 2 {
                let state = optimizer.state
                optimizer.step(weights, learningRate: 0, gradientScale: 1)
                try optimizer.restore(state)
                set(weights.gradient, weights.gradient.values.map { $0 * 2 })
            }
            optimizer.step(weights, learningRate: learningRate, gradientScale: step == 2 ? 0.5 : 1)
            expectClose(weights.flat.values, expected.rows(step..<step + 1).values, "parameters after step \(step)")
        }
    }

    @Test func adam() throws {
        for golden in try Fixtures.cases("optimizer_adam", in: "networks.json") {
            try follow(golden, { Adam(count: $0) }, learningRate: 0.01)
        }
    }

    /// The golden ε is too small to see: with g = 1 and ε = 1 the first step is half the learning rate.
    @Test func adamAddsEpsilonOutsideTheRoot() {
        let weights = weights([0])
        set(weights.gradient, [1])
        var adam = Adam(count: 1, epsilon: 1)
        adam.step(weights, learningRate: 0.1)
        expectClose(weights.flat.values, [-0.05], "parameter")
    }

    @Test func rmsprop() throws {
        for golden in try Fixtures.cases("optimizer_rmsprop", in: "networks.json") {
            try follow(golden, { RMSProp(count: $0, alpha: 0.99, epsilon: 1e-5) }, learningRate: 0.01)
        }
    }

    @Test func clipping() throws {
        for golden in try Fixtures.cases("clip_by_global_norm", in: "networks.json") {
            let parts = try #require(golden["gradients"]?.array).map { try $0.tensor.values }
            let flat = Tensor(parts.flatMap { $0 }, [parts.reduce(0) { $0 + $1.count }])
            let norm = globalNorm(flat)
            expectClose([norm], [Float(try #require(golden["norm"]?.number))], "norm")
            let scale = clipScale(norm: norm, maximum: Float(try #require(golden["max_norm"]?.number)))
            expectClose((flat * scale).values, try #require(golden["clipped"]?.array).flatMap { try $0.tensor.values }, "clipped")
        }
        #expect(clipScale(norm: 0.1, maximum: 0.5) == 1)
    }

    private func logits(_ golden: JSON) throws -> Tensor {
        let rows = try #require(golden["inputs"]?["logits"]?.array)
        return Tensor(rows.flatMap(\.floats), [rows.count, rows[0].floats.count])
    }

    private func check(_ golden: JSON, _ loss: (Categorical) -> Tensor) throws {
        let logits = try logits(golden)
        let gradient = Tensor(zeros: logits.shape)
        let tape = Tape()
        let value = loss(Categorical(logits: tape.watch(logits, accumulatingInto: gradient)))
        tape.backward(value)
        expectClose([value.scalar], try #require(golden["outputs"]?["loss"]).floats, "loss")
        expectClose(gradient.values, try #require(golden["outputs"]?["grad_logits"]).floats, "gradient of the logits")
    }

    @Test func policyGradient() throws {
        let cases = try Fixtures.cases("policy_gradient", in: "policy_losses.json")
        #expect(cases.count == 6)
        for golden in cases {
            let actions = try #require(golden["inputs"]?["actions"]?.array).compactMap { $0.integer.map(Int32.init) }
            let advantages = try #require(golden["inputs"]?["advantages"]).floats
            try check(golden) { -mean($0.logProb(of: actions) * Tensor(advantages, [advantages.count])) }
        }
    }

    @Test func entropyLoss() throws {
        let cases = try Fixtures.cases("entropy_loss", in: "policy_losses.json")
        #expect(cases.count == 6)
        for golden in cases { try check(golden) { -mean($0.entropy) } }
    }
}
