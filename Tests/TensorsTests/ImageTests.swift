import Tensors
import Testing

/// Convolutions and pooling of images, whatever their layout and type.
@Suite(.serialized) struct ImageTests {
    private func random(_ shape: [Int], _ seed: UInt64) -> Tensor {
        var stream = RandomKey(seed: seed, purpose: .learner).stream(slot: 0, episode: 0)
        return Tensor((0..<shape.reduce(1, *)).map { _ in Float(stream.uniform(in: -1...1)) }, shape)
    }

    private struct Case: Sendable, CustomTestStringConvertible {
        var images = 3
        var size = (height: 7, width: 9)
        let convolution: Conv2D
        var testDescription: String { "\(images)×\(size), \(convolution)" }
    }

    /// Channels that fill vectors and that do not, kernels that leave a rest of the image, blocks of many images.
    private static let cases = [
        Case(convolution: Conv2D(inChannels: 3, outChannels: 5, kernel: 3)),
        Case(convolution: Conv2D(inChannels: 4, outChannels: 16, kernel: 3, padding: 1)),
        Case(convolution: Conv2D(inChannels: 16, outChannels: 32, kernel: 3, stride: 2, padding: 1)),
        Case(convolution: Conv2D(inChannels: 5, outChannels: 33, kernel: 4, stride: 2)),
        Case(convolution: Conv2D(inChannels: 2, outChannels: 70, kernel: 1)),
        Case(size: (20, 21), convolution: Conv2D(inChannels: 4, outChannels: 32, kernel: 8, stride: 4)),
        Case(images: 700, size: (4, 5), convolution: Conv2D(inChannels: 3, outChannels: 17, kernel: 2)),
        Case(images: 1, size: (3, 3), convolution: Conv2D(inChannels: 7, outChannels: 1, kernel: 3)),
    ]

    /// The definition, in double precision: x channels-last.
    private func reference(_ x: Tensor, _ weight: Tensor, _ bias: Tensor, _ convolution: Conv2D) -> [Float] {
        let (height, width, channels) = (x.shape[1], x.shape[2], x.shape[3])
        let (x, w, b) = (x.values, weight.values, bias.values)
        let k = convolution.kernel
        var y = [Float]()
        for image in 0..<x.count / (height * width * channels) {
            for oy in 0..<convolution.outputSize(height) {
                for ox in 0..<convolution.outputSize(width) {
                    for filter in 0..<convolution.outChannels {
                        var total = Double(b[filter])
                        for ky in 0..<k {
                            for kx in 0..<k {
                                let (row, column) = (
                                    oy * convolution.stride + ky - convolution.padding, ox * convolution.stride + kx - convolution.padding
                                )
                                guard row >= 0, row < height, column >= 0, column < width else { continue }
                                for channel in 0..<channels {
                                    total +=
                                        Double(x[((image * height + row) * width + column) * channels + channel])
                                        * Double(w[((filter * channels + channel) * k + ky) * k + kx])
                                }
                            }
                        }
                        y.append(Float(total))
                    }
                }
            }
        }
        return y
    }

    private func planes(_ x: Tensor) -> Tensor {
        let (images, pixels, channels) = (x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
        let values = x.values
        return Tensor([images, channels, x.shape[1], x.shape[2]]) { to in
            for image in 0..<images {
                for channel in 0..<channels {
                    for pixel in 0..<pixels {
                        to[(image * channels + channel) * pixels + pixel] = values[(image * pixels + pixel) * channels + channel]
                    }
                }
            }
        }
    }

    @Test(arguments: cases.indices) func convolutionByDefinition(_ index: Int) {
        let (images, size, convolution) = (Self.cases[index].images, Self.cases[index].size, Self.cases[index].convolution)
        let x = random([images, size.height, size.width, convolution.inChannels], 1)
        let weight = random(convolution.weightShape, 2)
        let bias = random([convolution.outChannels], 3)
        let y = conv2d(x, weight: weight, bias: bias, stride: convolution.stride, padding: convolution.padding)
        let outputs = (convolution.outputSize(size.height), convolution.outputSize(size.width))
        #expect(y.shape == [images, outputs.0, outputs.1, convolution.outChannels])
        let expected = reference(x, weight, bias, convolution)
        expectClose(y.values, expected, within: 2e-6, "output")
        let other = conv2d(
            planes(x), weight: weight, bias: bias, stride: convolution.stride, padding: convolution.padding, layout: .channelsFirst)
        #expect(other.values == y.values)
        let rectified = conv2d(x, weight: weight, bias: bias, stride: convolution.stride, padding: convolution.padding, activation: .relu)
        #expect(rectified.values == y.values.map { max($0, 0) })
    }

    /// ⟨g, conv(x, w) + b⟩ is linear in each of x, w and b: each gradient times its input gives the part of the sum that it explains.
    @Test(arguments: cases.indices) func gradientsByLinearity(_ index: Int) {
        let (images, size, convolution) = (Self.cases[index].images, Self.cases[index].size, Self.cases[index].convolution)
        for layout in ImageLayout.allCases {
            let values = [
                random(layout.shape(images, height: size.height, width: size.width, channels: convolution.inChannels), 1),
                random(convolution.weightShape, 2), random([convolution.outChannels], 3),
            ]
            func output(_ inputs: [Tensor]) -> Tensor {
                conv2d(
                    inputs[0], weight: inputs[1], bias: inputs[2], stride: convolution.stride, padding: convolution.padding, layout: layout)
            }
            let g = random(output(values).shape, 4)
            let tape = Tape()
            let gradients = values.map { Tensor(zeros: $0.shape) }
            tape.backward(sum(output(zip(values, gradients).map { tape.watch($0, accumulatingInto: $1) }) * g))
            func inner(_ a: Tensor, _ b: Tensor) -> Double { zip(a.values, b.values).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
            let total = inner(output(values), g)
            let size = inner(output(values), output(values)).squareRoot()
            let shift = inner(gradients[2], values[2])
            #expect(abs(inner(gradients[0], values[0]) + shift - total) <= 1e-5 * size, "of x")
            #expect(abs(inner(gradients[1], values[1]) + shift - total) <= 1e-5 * size, "of the weights")
            // And in another direction than the point itself.
            for (position, gradient) in gradients.enumerated() {
                let direction = random(gradient.shape, 5 + UInt64(position))
                var moved = values
                moved[position] = values[position] + direction
                let difference = inner(output(moved), g) - total
                #expect(abs(inner(gradient, direction) - difference) <= 2e-5 * size, "input \(position), along a direction")
            }
        }
    }

    @Test(arguments: ImageLayout.allCases) func bytes(_ layout: ImageLayout) {
        let shape = layout.shape(3, height: 12, width: 11, channels: 4)
        let bytes = (0..<shape.reduce(1, *)).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 3) }
        let weight = random([9, 4, 4, 4], 1), bias = random([9], 2)
        bytes.withUnsafeBytes { raw in
            let images = ImageBatch(raw, shape: shape, layout: layout, high: 250)
            let floats = Tensor(bytes.map { Float($0) * (1 / 250) }, shape)
            #expect(images.flattened().values == floats.values)
            let tapes = (Tape(), Tape())
            let gradients = (Tensor(zeros: weight.shape), Tensor(zeros: weight.shape))
            let a = conv2d(images, weight: tapes.0.watch(weight, accumulatingInto: gradients.0), bias: bias, stride: 2, activation: .relu)
            let b = conv2d(
                floats, weight: tapes.1.watch(weight, accumulatingInto: gradients.1), bias: bias, stride: 2, layout: layout,
                activation: .relu)
            expectClose(a.values, b.values, within: 1e-6, "output")
            tapes.0.backward(sum(square(a)))
            tapes.1.backward(sum(square(b)))
            expectClose(gradients.0.values, gradients.1.values, within: 1e-6, "gradient")
        }
    }

    /// Threads share the images: outputs and gradients of x are the same, sums over images agree within rounding.
    @Test func threads() {
        defer { setBLASThreads(1) }
        let x = random([37, 9, 9, 16], 1), weight = random([32, 16, 3, 3], 2), bias = random([32], 3)
        var results: [(Tensor, Tensor, Tensor, Tensor)] = []
        for threads in [1, 2, 3] {
            setBLASThreads(threads)
            let tape = Tape()
            let gradients = [x, weight, bias].map { Tensor(zeros: $0.shape) }
            let y = conv2d(
                tape.watch(x, accumulatingInto: gradients[0]), weight: tape.watch(weight, accumulatingInto: gradients[1]),
                bias: tape.watch(bias, accumulatingInto: gradients[2]), padding: 1, activation: .relu)
            tape.backward(sum(square(y)))
            results.append((y, gradients[0], gradients[1], gradients[2]))
        }
        for result in results.dropFirst() {
            #expect(result.0.values == results[0].0.values)
            #expect(result.1.values == results[0].1.values)
            expectClose(result.2.values, results[0].2.values, within: 1e-5, "weights")
            expectClose(result.3.values, results[0].3.values, within: 1e-5, "bias")
        }
    }

    @Test func poolingOfEqualValuesAndNaN() {
        let gradient = Tensor(zeros: [1, 2, 2, 1])
        let tape = Tape()
        let x = tape.watch(Tensor([5, 5, 5, 5], [1, 2, 2, 1]), accumulatingInto: gradient)
        let y = maxPool2d(x, kernel: 2, stride: 1)
        #expect(y.shape == [1, 1, 1, 1] && y.scalar == 5)
        tape.backward(sum(y))
        #expect(gradient.values == [1, 0, 0, 0])
        #expect(maxPool2d(Tensor([1, .nan, 3, 2], [1, 2, 2, 1]), kernel: 2, stride: 1).scalar.isNaN)
        #expect(maxPool2d(Tensor([-3, -1], [1, 1, 2, 1]), kernel: 3, stride: 2, padding: 1).values == [-1])
        let (nan, one) = (Tensor([.nan], [1, 1, 1, 1]), Tensor([1], [1, 1, 1, 1]))
        #expect(conv2d(nan, weight: one, bias: Tensor([0], [1]), activation: .relu).scalar.isNaN)
    }
}
