import Tensors

/// A recurrent layer between torso and heads. Its state is kept with the rollout and forgotten where an episode begins.
struct RecurrentMemory {
    private let kind: MemoryKind
    private let input, hidden, inputBias, hiddenBias: Int
    /// The units: numbers of the output.
    let width: Int
    /// The numbers of the state: hidden, and of an LSTM the cells behind it.
    let stateCount: Int

    /// Nil for a network without memory. Adds "memory.input.weight", "memory.hidden.weight", "memory.input.bias" and
    /// "memory.hidden.bias" in PyTorch's shapes and order of gates.
    init?(_ kind: MemoryKind, inputs: Int, width: Int, _ layout: inout ParameterLayout) {
        let gates: Int
        switch kind {
        case .none: return nil
        case .gru: (gates, stateCount) = (3, width)
        case .lstm: (gates, stateCount) = (4, 2 * width)
        }
        self.kind = kind
        self.width = width
        input = layout.add("memory.input.weight", [gates * width, inputs])
        hidden = layout.add("memory.hidden.weight", [gates * width, width])
        inputBias = layout.add("memory.input.bias", [gates * width])
        hiddenBias = layout.add("memory.hidden.bias", [gates * width])
    }

    /// x [T·N, inputs] → output [T·N, width] and the state after every row, [T·N, stateCount], a constant.
    func callAsFunction(_ x: Tensor, _ unroll: Unroll, _ parameters: Parameters) -> (output: Tensor, state: Tensor) {
        let weights = RecurrentWeights(
            input: parameters[input], hidden: parameters[hidden], inputBias: parameters[inputBias], hiddenBias: parameters[hiddenBias])
        let resets = unroll.begins ?? []
        if kind == .gru {
            let output = gru(x, hidden: unroll.state, weights: weights, resets: resets)
            return (output, output.detached)
        }
        let (hidden, cell) = (unroll.state.columns(0..<width), unroll.state.columns(width..<2 * width))
        let (output, cells) = lstm(x, hidden: hidden, cell: cell, weights: weights, resets: resets)
        return (output, concatenate(output.detached, cells))
    }

    /// Orthogonal matrices of gain 1, biases 0.
    func initialize(_ parameters: Parameters, _ initializer: inout Initializer) {
        initializer.orthogonal(parameters[input], gain: 1)
        initializer.orthogonal(parameters[hidden], gain: 1)
    }
}
