import Glibc
import Platform
import Tensors
import Testing

/// Forward values and gradients against PyTorch.
@Suite struct GoldenTests {
    static let operations = [
        "gelu", "silu", "layer_norm", "rms_norm", "conv2d", "max_pool2d", "lstm", "gru", "gaussian_log_prob",
        "tanh_gaussian_log_prob_of_pre_tanh_u",
    ]

    private func cases(_ name: String, from source: StaticString = #filePath) throws -> [JSON] {
        let folder = "\(source)".split(separator: "/").dropLast().joined(separator: "/")
        let path = "/\(folder)/Fixtures/operations.json"
        let file = try #require(fopen(path, "rb"), "cannot read \(path)")
        defer { fclose(file) }
        var bytes = [UInt8]()
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return try #require(try JSON.parse(bytes, place: path)["cases"]?.array).filter { $0["name"]?.string == name }
    }

    private func tensor(_ json: JSON?) throws -> Tensor {
        let shape = try #require(json?["shape"]?.array).compactMap { $0.integer }
        return Tensor(try #require(json?["data"]?.array).compactMap { $0.number.map { Float($0) } }, shape)
    }

    private func apply(_ name: String, _ inputs: [String: Tensor], _ attributes: JSON?) throws -> Tensor {
        func integer(_ name: String) throws -> Int { try #require(attributes?[name]?.integer) }
        func input(_ name: String) throws -> Tensor { try #require(inputs[name]) }
        func epsilon() throws -> Float { Float(try #require(attributes?["epsilon"]?.number)) }
        func recurrent() throws -> RecurrentWeights {
            RecurrentWeights(
                input: try input("w_ih"), hidden: try input("w_hh"), inputBias: try input("b_ih"), hiddenBias: try input("b_hh"))
        }
        func timeMajor() throws -> Tensor {
            let x = try input("x")
            return x.reshaped([x.shape[0] * x.shape[1], x.shape[2]])
        }
        switch name {
        case "gelu": return gelu(try input("x"))
        case "silu": return silu(try input("x"))
        case "layer_norm": return layerNorm(try input("x"), weight: try input("weight"), bias: try input("bias"), epsilon: try epsilon())
        case "rms_norm": return rmsNorm(try input("x"), weight: try input("weight"), epsilon: try epsilon())
        case "conv2d":
            return conv2d(
                try input("x"), weight: try input("weight"), bias: try input("bias"), stride: try integer("stride"),
                padding: try integer("padding"), layout: .channelsFirst)
        case "max_pool2d":
            return maxPool2d(
                try input("x"), kernel: try integer("kernel"), stride: try integer("stride"), padding: try integer("padding"))
        case "lstm":
            return lstm(try timeMajor(), hidden: try input("h"), cell: try input("c"), weights: try recurrent()).output
        case "gru": return gru(try timeMajor(), hidden: try input("h"), weights: try recurrent())
        case "gaussian_log_prob":
            return gaussianLogProb(mean: try input("mean"), logDeviation: try input("log_std"), action: try input("action"))
        default:
            let u = try input("u")
            return gaussianLogProb(mean: try input("mean"), logDeviation: try input("log_std"), action: u) - squashLogSlope(u)
        }
    }

    /// The golden images are channels-first, the outputs here channels-last.
    private func channelsLast(_ x: Tensor) -> Tensor {
        guard x.shape.count == 4 else { return x }
        let (images, channels, pixels) = (x.shape[0], x.shape[1], x.shape[2] * x.shape[3])
        let values = x.values
        return Tensor([images, x.shape[2], x.shape[3], channels]) { to in
            for image in 0..<images {
                for channel in 0..<channels {
                    for pixel in 0..<pixels {
                        to[(image * pixels + pixel) * channels + channel] = values[(image * channels + channel) * pixels + pixel]
                    }
                }
            }
        }
    }

    @Test(arguments: operations) func operation(_ name: String) throws {
        let cases = try cases(name)
        #expect(!cases.isEmpty)
        for golden in cases {
            let tape = Tape()
            var inputs = [String: Tensor](), gradients = [String: Tensor]()
            for member in try #require(golden["inputs"]?.object) {
                let value = name == "max_pool2d" ? channelsLast(try tensor(member.value)) : try tensor(member.value)
                gradients[member.name] = Tensor(zeros: value.shape)
                inputs[member.name] = tape.watch(value, accumulatingInto: gradients[member.name]!)
            }
            let output = try apply(name, inputs, golden["attributes"])
            let expected = channelsLast(try tensor(golden["output"]))
            expectClose(output.values, expected.values, "\(name)")
            tape.backward(sum(output * channelsLast(try tensor(golden["cotangent"])).reshaped(output.shape)))
            for member in try #require(golden["gradients"]?.object) {
                let value = try tensor(member.value)
                let expected = name == "max_pool2d" ? channelsLast(value) : value
                expectClose(try #require(gradients[member.name]).values, expected.values, "\(name), gradient of \(member.name)")
            }
        }
    }
}

/// Equal within a tolerance relative to the largest expected value.
func expectClose(
    _ actual: [Float], _ expected: [Float], within tolerance: Float = 1e-5, _ what: String, at location: SourceLocation = #_sourceLocation
) {
    #expect(actual.count == expected.count, "\(what)", sourceLocation: location)
    let scale = max(expected.map(abs).max() ?? 0, 1e-3)
    for (index, (a, e)) in zip(actual, expected).enumerated() where !(abs(a - e) <= tolerance * scale) {
        Issue.record("\(what)[\(index)] is \(a), expected \(e)", sourceLocation: location)
    }
}
