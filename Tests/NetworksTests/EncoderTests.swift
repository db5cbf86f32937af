import Networks
import Platform
import TestSupport
import Tensors
import Testing

/// Networks for images and with every other part: what they are made of, and that an image means the same however it is stored.
@Suite struct EncoderTests {
    private static let minatar = Space.bytes(shape: [10, 10, 4], high: 1)
    private static let atari = Space.bytes(shape: [4, 84, 84], high: 255)

    private func network(
        _ observation: Space, _ action: Space = .discrete(3), _ edit: (inout NetworkSettings) -> Void = { _ in }
    ) throws -> ActorCritic {
        var settings = NetworkSettings(hidden: [8])
        edit(&settings)
        return try ActorCritic(observation: observation, action: action, settings)
    }

    private func parts(_ network: ActorCritic) -> [String] { network.layout.specs.map { "\($0.name) \($0.shape)" } }

    private let heads = ["policy.weight [3, 8]", "policy.bias [3]", "value.weight [1, 8]", "value.bias [1]"]

    @Test func minatarLayout() throws {
        let expected = ["encoder.0.weight [16, 4, 3, 3]", "encoder.0.bias [16]", "torso.0.weight [8, 1024]", "torso.0.bias [8]"] + heads
        #expect(try parts(network(Self.minatar)) == expected)
        #expect(try parts(network(Self.minatar) { $0.encoder = .minatar }) == expected)
        // A float image is one too, and `none` flattens it.
        #expect(try parts(network(.box(shape: [10, 10, 4]))) == expected)
        #expect(try parts(network(Self.minatar) { $0.encoder = .none }) == ["torso.0.weight [8, 400]", "torso.0.bias [8]"] + heads)
    }

    /// 3136 features, as in the paper; channels-first and channels-last images of one size make one network.
    @Test func natureLayout() throws {
        let expected =
            [
                "encoder.0.weight [32, 4, 8, 8]", "encoder.0.bias [32]", "encoder.1.weight [64, 32, 4, 4]", "encoder.1.bias [64]",
                "encoder.2.weight [64, 64, 3, 3]", "encoder.2.bias [64]", "torso.0.weight [8, 3136]", "torso.0.bias [8]",
            ] + heads
        #expect(try parts(network(Self.atari)) == expected)
        #expect(try parts(network(.bytes(shape: [84, 84, 4], high: 255)) { $0.encoder = .nature }) == expected)
    }

    /// Fifteen convolutions; 84 → 42 → 21 → 11 pixels a side.
    @Test func impalaLayout() throws {
        let filters = [(4, 16), (16, 32), (32, 32)]
        var expected: [String] = []
        for (inputs, outputs) in filters {
            for (index, channels) in [inputs, outputs, outputs, outputs, outputs].enumerated() {
                let number = expected.count / 2
                #expect(number % 5 == index)
                expected += ["encoder.\(number).weight [\(outputs), \(channels), 3, 3]", "encoder.\(number).bias [\(outputs)]"]
            }
        }
        #expect(
            try parts(network(Self.atari) { $0.encoder = .impala }) == expected + ["torso.0.weight [8, 3872]", "torso.0.bias [8]"] + heads)
    }

    @Test func layoutOfEveryOtherPart() throws {
        let recurrent = try network(.box(shape: [5]), .box(shape: [2])) {
            ($0.memory, $0.memoryWidth, $0.layerNorm, $0.normalizeObservations) = (.lstm, 6, true, true)
        }
        #expect(
            parts(recurrent) == [
                "normalizer.mean [5]", "normalizer.scale [5]", "torso.0.weight [8, 5]", "torso.0.bias [8]", "torso.0.norm.weight [8]",
                "torso.0.norm.bias [8]", "memory.input.weight [24, 8]", "memory.hidden.weight [24, 6]", "memory.input.bias [24]",
                "memory.hidden.bias [24]", "policy.weight [2, 6]", "policy.bias [2]", "policy.log_deviation [2]", "value.weight [1, 6]",
                "value.bias [1]",
            ])
        #expect(recurrent.stateCount == 12 && recurrent.normalizesObservations)
        let gru = try network(Self.minatar) { ($0.memory, $0.memoryWidth) = (.gru, 6) }
        #expect(parts(gru)[4] == "memory.input.weight [18, 8]" && parts(gru)[5] == "memory.hidden.weight [18, 6]")
        #expect(gru.stateCount == 6 && !gru.normalizesObservations)

        let separate = try network(.box(shape: [2, 3]), .multiDiscrete([2, 3])) { ($0.hidden, $0.separateValue) = ([8, 4], true) }
        #expect(
            parts(separate) == [
                "torso.0.weight [8, 6]", "torso.0.bias [8]", "torso.1.weight [4, 8]", "torso.1.bias [4]", "value_torso.0.weight [8, 6]",
                "value_torso.0.bias [8]", "value_torso.1.weight [4, 8]", "value_torso.1.bias [4]", "policy.weight [5, 4]",
                "policy.bias [5]", "value.weight [1, 4]", "value.bias [1]",
            ])
        #expect(try parts(network(.box(shape: [2])) { $0.hidden = [] }).first == "policy.weight [3, 2]")
    }

    /// Every refusal names the key of the run file, or the environment where only another one helps.
    @Test func whatDoesNotFitIsRefused() {
        func place(_ observation: Space, _ action: Space = .discrete(2), _ edit: (inout NetworkSettings) -> Void = { _ in }) -> String {
            do {
                _ = try network(observation, action, edit)
                return "accepted"
            } catch { return (error as? NetworkError)?.place ?? "\(error)" }
        }
        for kind in [EncoderKind.minatar, .nature, .impala] { #expect(place(.box(shape: [4])) { $0.encoder = kind } == "network.encoder") }
        #expect(place(.box(shape: [4, 4])) { $0.encoder = .minatar } == "network.encoder")
        #expect(place(Self.minatar) { $0.encoder = .nature } == "network.encoder")
        #expect(place(.bytes(shape: [2, 2, 1], high: 1)) == "network.encoder")
        #expect(place(.bytes(shape: [2, 2, 1], high: 1)) { $0.encoder = .none } == "accepted")
        #expect(place(Self.minatar) { $0.normalizeObservations = true } == "network.normalize_observations")
        #expect(place(.bytes(shape: [9], high: 1)) { $0.normalizeObservations = true } == "network.normalize_observations")
        for kind in [MemoryKind.gru, .lstm] {
            #expect(place(.box(shape: [4])) { ($0.memory, $0.separateValue) = (kind, true) } == "network.separate_value")
        }
        #expect(place(.box(shape: [4]), .box(shape: [2])) { $0.continuousPolicy = .tanhGaussian } == "network.continuous_policy")
        #expect(place(.box(shape: [4]), .box(shape: [2], low: -1, high: 1)) { $0.continuousPolicy = .tanhGaussian } == "accepted")
        #expect(place(.box(shape: [4]), .bytes(shape: [2], high: 1)) == "environment.id")
        #expect(place(.discrete(16)) == "environment.id")
        #expect(place(.multiDiscrete([2, 2])) == "environment.id")
    }

    // MARK: One image, many forms

    struct Kind: CustomTestStringConvertible, Sendable {
        let encoder: EncoderKind
        let height, width, channels: Int
        var testDescription: String { encoder.rawValue }
    }
    private static let kinds = [
        Kind(encoder: .minatar, height: 5, width: 7, channels: 3), Kind(encoder: .nature, height: 37, width: 40, channels: 2),
        Kind(encoder: .impala, height: 6, width: 5, channels: 3), Kind(encoder: .none, height: 5, width: 7, channels: 3),
    ]

    private func outputs(_ network: ActorCritic, _ rows: Observations, _ weights: [Float]) -> [Float] {
        let copy = Weights(network.layout)
        copy.flat.withMutableBuffer { _ = $0.update(fromContentsOf: weights) }
        let output = network(rows, copy.parameters())
        return output.policy.values + output.value.values
    }

    @Test(arguments: kinds) func bytesChannelsAndFloats(_ kind: Kind) throws {
        let (height, width, channels) = (kind.height, kind.width, kind.channels)
        var dice = Dice(3)
        let rows = 3
        let pixels = (0..<rows * height * width * channels).map { _ in UInt8(dice.below(201)) }
        func made(_ space: Space) throws -> ActorCritic { try network(space) { $0.encoder = kind.encoder } }
        let last = Space.bytes(shape: [height, width, channels], high: 200)
        let weights = try made(last).initialWeights(seed: 4).flat.values.map { $0 + Float.random(in: -0.1...0.1, using: &dice) }
        func bytes(_ values: [UInt8], _ space: Space) -> Observations {
            Observations(values.withUnsafeBytes { SharedBytes(copying: $0) }, space)
        }
        let expected = outputs(try made(last), bytes(pixels, last), weights)
        #expect(Set(expected).count == expected.count)

        let box = Space.box(shape: last.shape)
        let floats = Observations(Tensor(pixels.map { Float($0) / 200 }, [rows, box.count]), box)
        expectClose(outputs(try made(box), floats, weights), expected, "floats")

        // Without an encoder the order of the numbers is what the network learns on.
        guard kind.encoder != .none else { return }
        func channelsFirst<Value>(_ values: [Value]) -> [Value] {
            (0..<values.count).map { index in
                let (image, inside) = index.quotientAndRemainder(dividingBy: height * width * channels)
                let (channel, pixel) = inside.quotientAndRemainder(dividingBy: height * width)
                return values[(image * height * width + pixel) * channels + channel]
            }
        }
        let first = Space.bytes(shape: [channels, height, width], high: 200)
        expectClose(outputs(try made(first), bytes(channelsFirst(pixels), first), weights), expected, "channels first")
        let firstBox = Space.box(shape: first.shape)
        let moved = Observations(Tensor(channelsFirst(pixels).map { Float($0) / 200 }, [rows, box.count]), firstBox)
        expectClose(outputs(try made(firstBox), moved, weights), expected, "floats, channels first")
    }

    /// MinAtar's network in double precision, written out.
    @Test func minatarIsWhatItSays() throws {
        let space = Space.bytes(shape: [4, 5, 2], high: 2)
        let network = try network(space) { ($0.hidden, $0.encoder) = ([], .minatar) }
        var dice = Dice(8)
        let weights = network.initialWeights(seed: 4)
        let w = weights.flat.values.map { Double($0 + Float.random(in: -0.2...0.2, using: &dice)) }
        let pixels = (0..<40).map { _ in UInt8(dice.below(3)) }
        // [16, 2, 3, 3], [16]; then heads on [2, 3, 16].
        var features: [Double] = []
        for row in 0..<2 {
            for column in 0..<3 {
                for filter in 0..<16 {
                    var sum = w[288 + filter]
                    for channel in 0..<2 {
                        for y in 0..<3 {
                            for x in 0..<3 {
                                let pixel = Double(pixels[((row + y) * 5 + column + x) * 2 + channel]) / 2
                                sum += w[filter * 18 + channel * 9 + y * 3 + x] * pixel
                            }
                        }
                    }
                    features.append(max(sum, 0))
                }
            }
        }
        func head(_ outputs: Int, _ start: Int) -> [Float] {
            (0..<outputs).map { output in
                Float(features.indices.reduce(w[start + outputs * 96 + output]) { $0 + w[start + output * 96 + $1] * features[$1] })
            }
        }
        let rows = Observations(pixels.withUnsafeBytes { SharedBytes(copying: $0) }, space)
        expectClose(outputs(network, rows, w.map { Float($0) }), head(3, 304) + head(1, 304 + 3 * 97), "outputs")
    }

    /// IMPALA's network, composed by hand of convolutions, pooling and sums.
    @Test func impalaIsWhatThePaperDraws() throws {
        let space = Space.box(shape: [7, 6, 3])
        let network = try network(space) { ($0.hidden, $0.encoder) = ([], .impala) }
        let weights = network.initialWeights(seed: 4)
        var dice = Dice(8)
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] += Float.random(in: -0.1...0.1, using: &dice) } }
        let parameters = weights.parameters()
        let images = Tensor((0..<2 * 126).map { _ in Float.random(in: -1...1, using: &dice) }, [2, 126])
        var x = images.reshaped([2, 7, 6, 3])
        func convolution(_ number: Int, _ x: Tensor) -> Tensor {
            conv2d(x, weight: parameters[2 * number], bias: parameters[2 * number + 1], padding: 1)
        }
        for block in 0..<3 {
            x = maxPool2d(convolution(5 * block, x), kernel: 3, stride: 2, padding: 1)
            x = x + convolution(5 * block + 2, relu(convolution(5 * block + 1, relu(x))))
            x = x + convolution(5 * block + 4, relu(convolution(5 * block + 3, relu(x))))
        }
        let features = relu(x).reshaped([2, 32])
        let output = network(Observations(images, space), parameters)
        expectClose(output.policy.values, linear(features, weight: parameters[30], bias: parameters[31]).values, "policy")
        expectClose(output.value.values, linear(features, weight: parameters[32], bias: parameters[33]).values, "value")
    }
}
