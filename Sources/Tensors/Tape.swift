import CKernels

/// Reverse-mode differentiation.
///
/// `watch` makes a tracked view of a tensor. An operation with a tracked input records its backward step in its output, so the graph lives
/// exactly as long as the tensors that need it. `backward` walks it once, from the loss to what is watched, and frees it on the way.
public final class Tape {
    /// How many operations were recorded; gives every operation a later index than its inputs.
    fileprivate var recorded = 0

    public init() {}

    /// A tracked view of `value`. `backward` adds ∂loss/∂value into `gradient`, which has the same shape.
    public func watch(_ value: Tensor, accumulatingInto gradient: Tensor) -> Tensor {
        precondition(value.shape == gradient.shape, "a tensor of shape \(value.shape) cannot have a gradient of shape \(gradient.shape)")
        precondition(value.node == nil, "a tensor that is already tracked cannot be watched; watch its `detached` view")
        return value.tracked(by: Node(self, inputs: [], sink: gradient.detached))
    }

    /// Adds the gradient of `loss` (one value) into the buffers of everything watched. A recorded graph can be walked once.
    public func backward(_ loss: Tensor) {
        precondition(loss.count == 1, "the loss must be one value, not a tensor of shape \(loss.shape)")
        guard let root = loss.node else { preconditionFailure("the loss depends on nothing that this tape watches") }
        precondition(root.tape === self, "the loss was recorded on another tape")
        root.receive(Tensor([1], loss.shape))
        for node in root.reachable() { node.propagate() }
    }
}

/// Where a tensor came from: the backward step of the operation that made it.
final class Node {
    let tape: Tape
    private let index: Int
    private var inputs: [Node]
    private var step: ((Tensor) -> Void)?
    private let sink: Tensor?
    private var gradient: Tensor?
    private var isQueued = false
    private var isSpent = false

    init(_ tape: Tape, inputs: [Node], sink: Tensor? = nil, step: ((Tensor) -> Void)? = nil) {
        self.tape = tape
        self.inputs = inputs
        self.sink = sink
        self.step = step
        index = tape.recorded
        tape.recorded += 1
    }

    /// Takes the graph behind this node apart in a loop: by recursion, the release of a long chain would overflow a small stack.
    deinit {
        step = nil
        var pending = inputs
        inputs = []
        while var node = pending.popLast() {
            guard isKnownUniquelyReferenced(&node) else { continue }
            node.step = nil
            pending += node.inputs
            node.inputs = []
        }
    }

    /// This node and everything that it was computed from, latest first.
    fileprivate func reachable() -> [Node] {
        isQueued = true
        var found = [self]
        var next = 0
        while next < found.count {
            precondition(!found[next].isSpent, "this graph was walked before: compute the loss again")
            for input in found[next].inputs where !input.isQueued {
                input.isQueued = true
                found.append(input)
            }
            next += 1
        }
        found.sort { $0.index > $1.index }
        return found
    }

    /// Hands the gradient to the inputs and lets go of what was kept for that.
    fileprivate func propagate() {
        isQueued = false
        guard let step else { return }
        if let gradient { step(gradient) }
        self.step = nil
        gradient = nil
        inputs = []
        isSpent = true
    }

    /// Adds a gradient; the caller gives `contribution` away.
    func receive(_ contribution: Tensor) {
        if let total = sink ?? gradient {
            withExtendedLifetime(contribution.storage) { apus_axpy(1, contribution.base, total.base, total.count) }
        } else {
            gradient = contribution
        }
    }

    /// Lets `body` compute a gradient straight into its place. Its second argument says whether to add to what stands there or to
    /// overwrite it.
    func accumulate(_ shape: [Int], _ body: (UnsafeMutablePointer<Float>, Bool) -> Void) {
        if let total = sink ?? gradient { return withExtendedLifetime(total.storage) { body(total.base, true) } }
        let total = Tensor(uninitialized: shape)
        body(total.base, false)
        gradient = total
    }

    /// Like `accumulate`, for a body that only adds.
    func accumulate(zeroed shape: [Int], _ body: (UnsafeMutablePointer<Float>) -> Void) {
        accumulate(shape) { place, adding in
            if !adding { place.update(repeating: 0, count: shape.reduce(1, *)) }
            body(place)
        }
    }
}

extension Tensor {
    fileprivate func tracked(by node: Node) -> Tensor { Tensor(storage: storage, base: base, shape: shape, count: count, node: node) }

    func recorded(on tape: Tape, inputs: [Node], _ step: @escaping (Tensor) -> Void) -> Tensor {
        precondition(inputs.allSatisfy { $0.tape === tape }, "the inputs of an operation are tracked by different tapes")
        return tracked(by: Node(tape, inputs: inputs, step: step))
    }

    /// This tensor as the output of an operation on `x`; `gradient` turns ∂loss/∂output, which it may overwrite, into ∂loss/∂x.
    @inline(__always)
    func recorded(from x: Tensor, _ gradient: @escaping (Tensor) -> Tensor) -> Tensor {
        guard let node = x.node else { return self }
        return recorded(on: node.tape, inputs: [node]) { node.receive(gradient($0)) }
    }

    /// The same for two inputs. A gradient function that hands its argument through gives a copy to the other input: see `copied`.
    @inline(__always)
    func recorded(
        from a: Tensor, _ b: Tensor, _ gradientA: @escaping (Tensor) -> Tensor, _ gradientB: @escaping (Tensor) -> Tensor
    ) -> Tensor {
        guard let tape = (a.node ?? b.node)?.tape else { return self }
        let (nodeA, nodeB) = (a.node, b.node)
        return recorded(on: tape, inputs: [nodeA, nodeB].compactMap { $0 }) { gradient in
            // A step may hand `gradient` itself on only as the last thing that happens to it.
            if let nodeA { nodeA.receive(gradientA(gradient)) }
            if let nodeB { nodeB.receive(gradientB(gradient)) }
        }
    }

    /// The same values in memory of their own.
    func copied() -> Tensor {
        withExtendedLifetime(storage) { Tensor(shape) { $0.baseAddress!.update(from: base, count: count) } }
    }
}
