import Networks
import Rollouts
import Tensors

/// Which of a network's parameters its policy depends on, and which only its value function does.
///
/// Methods that move the policy on its own (trust regions, momentum) fit the value function by the second part alone, so that neither step
/// undoes the other. Where policy and value share a torso, the torso belongs to the policy and the value function is a head on its features;
/// `network.separate_value` gives it a torso of its own.
struct ParameterParts {
    /// Ranges of the flat weights.
    let policy: [Range<Int>]
    let value: [Range<Int>]

    /// Found by differentiating a random combination of the outputs at random weights near the initial ones: a parameter that has no gradient
    /// there has none anywhere.
    init(_ network: any PolicyNetwork, _ batch: RolloutBatch) {
        let weights = network.initialWeights(seed: 1)
        var random = RandomKey(seed: 1, purpose: .learner, actor: .max - 1).stream(slot: 0, episode: 0)
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] += 0.1 * (Float(random.uniform()) - 0.5) } }
        func some(_ x: Tensor) -> Tensor { Tensor(x.shape) { for k in $0.indices { $0[k] = Float(random.uniform()) - 0.5 } } }
        /// The parameters that have a gradient.
        func found(_ combine: (PolicyOutput) -> Tensor) -> Set<Int> {
            weights.zeroGradient()
            let tape = Tape()
            tape.backward(combine(network.evaluate(batch, weights.parameters(on: tape))))
            let gradient = weights.gradient.values
            return Set(network.layout.specs.indices.filter { index in
                let spec = network.layout.specs[index]
                return gradient[spec.offset..<spec.offset + spec.count].contains { $0 != 0 }
            })
        }
        let ofPolicy = found { output in
            let combined = sum(output.policy * some(output.policy))
            return output.logDeviation.map { combined + sum($0) } ?? combined
        }
        let ofValue = found { sum($0.value * some($0.value)) }
        func ranges(_ indices: Set<Int>) -> [Range<Int>] {
            indices.sorted().map { network.layout.specs[$0].offset..<network.layout.specs[$0].offset + network.layout.specs[$0].count }
        }
        policy = ranges(ofPolicy)
        value = ranges(ofValue.subtracting(ofPolicy))
    }
}

extension Weights {
    /// Sets the gradient of everything outside of these ranges to 0.
    func keepGradient(of ranges: [Range<Int>]) {
        let kept = ranges.map { gradient.rows($0).values }
        zeroGradient()
        for (range, values) in zip(ranges, kept) { gradient.rows(range).withMutableBuffer { _ = $0.update(fromContentsOf: values) } }
    }
}
