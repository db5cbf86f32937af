import CKernels

/// The largest value of each kernel × kernel window: x [N, height, width, channels] → [N, height', width', channels]. Padding never wins.
///
/// The gradient goes to the first of equal values in row order (as in PyTorch).
public func maxPool2d(_ x: Tensor, kernel: Int, stride: Int, padding: Int = 0) -> Tensor {
    precondition(x.shape.count == 4, "maxPool2d needs x [N, height, width, channels], not \(x.shape)")
    precondition(
        kernel > 0 && stride > 0 && padding >= 0 && 2 * padding <= kernel,
        "maxPool2d needs a kernel and a stride of at least 1 and padding of at most half a kernel, not \(kernel), \(stride), \(padding)")
    var sizes = ApusPooling(
        height: x.shape[1], width: x.shape[2], channels: x.shape[3], kernel: kernel, stride: stride, padding: padding,
        out_height: slidingWindows(x.shape[1], kernel, stride, padding), out_width: slidingWindows(x.shape[2], kernel, stride, padding))
    precondition(
        sizes.out_height > 0 && sizes.out_width > 0, "a window of \(kernel)×\(kernel) does not fit into images of shape \(x.shape)")
    let images = x.shape[0]
    let y = Tensor(uninitialized: [images, sizes.out_height, sizes.out_width, sizes.channels])
    let input = x.detached
    withExtendedLifetime(input.storage) { apus_max_pool(&sizes, input.base, images, y.base) }
    return y.recorded(from: x) { gradient in
        let result = Tensor(zeros: input.shape)
        withExtendedLifetime((input.storage, y.storage, gradient.storage)) {
            apus_max_pool_backward(&sizes, input.base, y.base, gradient.base, images, result.base)
        }
        return result
    }
}
