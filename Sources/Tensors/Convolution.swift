import CKernels

/// A two-dimensional convolution (cross-correlation, as the field's libraries have it) as a description: what it takes and gives.
public struct Conv2D: Sendable, Hashable {
    public let inChannels: Int
    public let outChannels: Int
    /// Side of the square kernel.
    public let kernel: Int
    public let stride: Int
    /// Rows and columns of zeros around each image.
    public let padding: Int

    public init(inChannels: Int, outChannels: Int, kernel: Int, stride: Int = 1, padding: Int = 0) {
        precondition(
            inChannels > 0 && outChannels > 0 && kernel > 0 && stride > 0 && padding >= 0,
            "a convolution needs channels, a kernel and a stride of at least 1, not \(inChannels) → \(outChannels), \(kernel), \(stride)")
        self.inChannels = inChannels
        self.outChannels = outChannels
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
    }

    /// [out, in, kernel, kernel], as in PyTorch.
    public var weightShape: [Int] { [outChannels, inChannels, kernel, kernel] }

    /// Rows or columns of the output for rows or columns of the input; less than 1 when the kernel does not fit.
    public func outputSize(_ size: Int) -> Int { slidingWindows(size, kernel, stride, padding) }
}

/// How often a window fits into `size` values with zeros on both sides.
func slidingWindows(_ size: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> Int {
    let room = size + 2 * padding - kernel
    return room < 0 ? 0 : room / stride + 1
}

/// y = activation(x ∗ weight + bias): weight [out, in, kernel, kernel] and bias [out] → [N, height', width', out], channels-last whatever
/// the layout of x [N, height, width, in] or [N, in, height, width].
///
/// One operation on the tape, without an unfolded copy of x. Its gradient is left out where x is a constant. A network that flattens y
/// flattens it in its order (height', width', out), not in PyTorch's (out, height', width').
public func conv2d(
    _ x: Tensor, weight: Tensor, bias: Tensor, stride: Int = 1, padding: Int = 0, layout: ImageLayout = .channelsLast,
    activation: LinearActivation = .none
) -> Tensor {
    let convolution = Convolution(x.shape, layout, weight, bias, stride, padding, activation)
    let input = x.detached
    return convolution.apply(weight, bias, inputNode: x.node) { body in
        withExtendedLifetime(input.storage) {
            body(ApusImages(data: input.base, bytes: 0, channels_first: layout == .channelsFirst ? 1 : 0, scale: 1))
        }
    }
}

/// The same for images of bytes, each value byte / high.
public func conv2d(
    _ images: ImageBatch, weight: Tensor, bias: Tensor, stride: Int = 1, padding: Int = 0, activation: LinearActivation = .none
) -> Tensor {
    let convolution = Convolution(images.shape, images.layout, weight, bias, stride, padding, activation)
    return convolution.apply(weight, bias, inputNode: nil) { images.withImages($0) }
}

/// The sizes of one call.
private struct Convolution {
    let sizes: ApusConvolution
    let images: Int
    let inputShape: [Int]
    let activation: LinearActivation

    init(
        _ shape: [Int], _ layout: ImageLayout, _ weight: Tensor, _ bias: Tensor, _ stride: Int, _ padding: Int,
        _ activation: LinearActivation
    ) {
        precondition(stride > 0 && padding >= 0, "conv2d needs a stride of at least 1 and padding of at least 0, not \(stride), \(padding)")
        precondition(shape.count == 4 && weight.shape.count == 4, "conv2d needs four axes of x and weight, not \(shape), \(weight.shape)")
        let (height, width, channels) =
            layout == .channelsLast ? (shape[1], shape[2], shape[3]) : (shape[2], shape[3], shape[1])
        let (filters, kernelHeight, kernelWidth) = (weight.shape[0], weight.shape[2], weight.shape[3])
        precondition(
            weight.shape[1] == channels && bias.shape == [filters],
            "conv2d needs weight [out, \(channels), …] and bias [out] for x \(shape), \(layout), not \(weight.shape) and \(bias.shape)")
        let outHeight = slidingWindows(height, kernelHeight, stride, padding)
        let outWidth = slidingWindows(width, kernelWidth, stride, padding)
        precondition(
            outHeight > 0 && outWidth > 0, "a kernel of \(kernelHeight)×\(kernelWidth) does not fit into images of \(height)×\(width)")
        sizes = ApusConvolution(
            height: height, width: width, channels: channels, filters: filters, kernel_height: kernelHeight, kernel_width: kernelWidth,
            stride: stride, padding: padding, out_height: outHeight, out_width: outWidth)
        images = shape[0]
        inputShape = shape
        self.activation = activation
    }

    private func workspace(_ images: inout ApusImages, backward: Bool, _ threads: Int32) -> Storage {
        var sizes = sizes
        return Storage(count: apus_convolution_workspace(&sizes, &images, backward ? 1 : 0, threads))
    }

    func apply(
        _ weight: Tensor, _ bias: Tensor, inputNode: Node?, _ withImages: @escaping ((ApusImages) -> Void) -> Void
    ) -> Tensor {
        let y = Tensor(uninitialized: [images, sizes.out_height, sizes.out_width, sizes.filters])
        let matrix = weight.detached
        withImages { input in
            var (sizes, input) = (sizes, input)
            let threads = apus_threads()
            let workspace = workspace(&input, backward: false, threads)
            withExtendedLifetime((workspace, weight.storage, bias.storage)) {
                apus_convolution(&sizes, &input, images, weight.base, bias.base, activation.code, y.base, workspace.pointer, threads)
            }
        }
        guard let tape = (inputNode ?? weight.node ?? bias.node)?.tape else { return y }
        let (nodeWeight, nodeBias) = (weight.node, bias.node)
        return y.recorded(on: tape, inputs: [inputNode, nodeWeight, nodeBias].compactMap { $0 }) { gradient in
            let inputGradient = inputNode.map { _ in Tensor(uninitialized: inputShape) }
            func addingTo(_ node: Node?, _ shape: [Int], _ body: (UnsafeMutablePointer<Float>?) -> Void) {
                guard let node else { return body(nil) }
                node.accumulate(zeroed: shape) { body($0) }
            }
            withImages { input in
                var (sizes, input) = (sizes, input)
                let threads = apus_threads()
                let workspace = workspace(&input, backward: true, threads)
                addingTo(nodeWeight, matrix.shape) { weightPlace in
                    addingTo(nodeBias, [sizes.filters]) { biasPlace in
                        withExtendedLifetime((workspace, matrix.storage, y.storage, gradient.storage, inputGradient?.storage)) {
                            apus_convolution_backward(
                                &sizes, &input, images, matrix.base, y.base, activation.code, gradient.base, weightPlace, biasPlace,
                                inputGradient?.base, workspace.pointer, threads)
                        }
                    }
                }
            }
            if let inputGradient { inputNode?.receive(inputGradient) }
        }
    }
}
