import Networks
import Tensors

/// Estimators and policy losses: `{"name", "inputs": {…}, "outputs": {…}}`. `values` has one element more than `rewards`: the bootstrap value; a discount of 0
/// is a termination.
extension References {
    static let estimators: [String: Evaluation] = [
        "vtrace": { reference, comparison throws(ReferenceError) in
            let sequence = try OwnedSequence(reference, ratios: true)
            let (rhoBar, cBar) = (try reference.number("inputs", "clip_rho"), try reference.number("inputs", "clip_c"))
            let policyRhoBar = try reference.number("inputs", "clip_pg_rho")
            let lambda = try reference.number("inputs", "lambda")
            let (errors, advantages) = sequence.estimate { sequence, ratios, errors, advantages in
                vtrace(
                    sequence, ratios: ratios, lambda: lambda, rhoBar: rhoBar, cBar: cBar, policyRhoBar: policyRhoBar, errors: errors,
                    advantages: advantages)
            }
            try comparison.add(errors, reference.numbers("outputs", "errors"), "outputs.errors", of: reference)
            try comparison.add(
                advantages, reference.numbers("outputs", "policy_gradient_advantages"), "outputs.policy_gradient_advantages", of: reference)
            guard (try? reference.member("outputs", "q_estimate")) != nil else { return }
            // The advantage without its weight and baseline, wherever the weight is not 0.
            var (estimate, expected) = ([Float](), [Float]())
            for (t, q) in try reference.numbers("outputs", "q_estimate", count: sequence.count).enumerated() {
                let weight = min(policyRhoBar, sequence.ratios[t])
                guard weight > 0.1 else { continue }
                estimate.append(advantages[t] / weight + sequence.values[t])
                expected.append(q)
            }
            try comparison.add(estimate, expected, "outputs.q_estimate", of: reference)
        },
        "leaky_vtrace": { reference, comparison throws(ReferenceError) in
            let sequence = try OwnedSequence(reference, ratios: true)
            let (alpha, lambda) = (try reference.number("inputs", "alpha"), try reference.number("inputs", "lambda"))
            let (errors, advantages) = sequence.estimate { sequence, ratios, errors, advantages in
                leakyVtrace(
                    sequence, ratios: ratios, alpha: alpha, lambda: lambda, rhoBar: 1, cBar: 1, policyRhoBar: 1, errors: errors,
                    advantages: advantages)
            }
            try comparison.add(errors, reference.numbers("outputs", "errors"), "outputs.errors", of: reference)
            try comparison.add(
                advantages, reference.numbers("outputs", "policy_gradient_advantages"), "outputs.policy_gradient_advantages", of: reference)
        },
        "gae": { reference, comparison throws(ReferenceError) in
            let lambda = try reference.number("inputs", "lambda")
            let advantages = try OwnedSequence(reference).estimate { sequence, _, first, _ in
                gae(sequence, lambda: lambda, advantages: first)
            }.first
            try comparison.add(advantages, reference.numbers("outputs", "advantages"), "outputs.advantages", of: reference)
        },
        "lambda_returns": { reference, comparison throws(ReferenceError) in
            let lambda = try reference.number("inputs", "lambda")
            let returns = try OwnedSequence(reference).estimate { sequence, _, first, _ in
                lambdaReturns(sequence, lambda: lambda, returns: first)
            }.first
            try comparison.add(returns, reference.numbers("outputs", "returns"), "outputs.returns", of: reference)
        },
        "policy_gradient": { reference, comparison throws(ReferenceError) in
            let logits = try reference.matrix("inputs", "logits")
            let (rows, columns) = (logits.shape[0], logits.shape[1])
            let actions = try reference.numbers("inputs", "actions", count: rows)
            guard actions.allSatisfy({ $0 >= 0 && $0 < Float(columns) }) else { throw reference.fail("inputs.actions must be below \(columns)") }
            let advantages = Tensor(try reference.numbers("inputs", "advantages", count: rows), [rows])
            try compareLoss(reference, &comparison, logits) { policy in
                PolicyGradient().loss(
                    PolicyStep(
                        logProb: policy.logProb(of: actions.map { Int32($0) }), entropy: policy.entropy, value: advantages,
                        advantage: advantages, valueTarget: advantages, behaviourLogProb: advantages))
            }
        },
        "entropy_loss": { reference, comparison throws(ReferenceError) in
            try compareLoss(reference, &comparison, try reference.matrix("inputs", "logits")) { -$0.entropy }
        },
    ]

    /// The mean of a loss per row of logits, and its gradient.
    private static func compareLoss(
        _ reference: ReferenceCase, _ comparison: inout Comparison, _ logits: Tensor, _ losses: (Categorical) -> Tensor
    ) throws(ReferenceError) {
        let (tape, gradient) = (Tape(), Tensor(zeros: logits.shape))
        let loss = Aggregation.stepMean(losses(Categorical(logits: tape.watch(logits, accumulatingInto: gradient))))
        tape.backward(loss)
        try comparison.add([loss.scalar], reference.numbers("outputs", "loss"), "outputs.loss", of: reference)
        try comparison.add(gradient.values, reference.numbers("outputs", "grad_logits"), "outputs.grad_logits", of: reference)
    }
}

/// A case's sequence.
private struct OwnedSequence {
    let rewards, discounts, values, ratios: [Float]
    var count: Int { rewards.count }

    init(_ reference: ReferenceCase, ratios: Bool = false) throws(ReferenceError) {
        rewards = try reference.numbers("inputs", "rewards")
        guard !rewards.isEmpty else { throw reference.fail("inputs.rewards is empty") }
        discounts = try reference.numbers("inputs", "discounts", count: rewards.count)
        values = try reference.numbers("inputs", "values", count: rewards.count + 1)
        self.ratios = ratios ? try reference.numbers("inputs", "rhos", count: rewards.count) : rewards.map { _ in 1 }
    }

    func estimate(
        _ body: (CreditSequence, Strided<Float>, MutableStrided<Float>, MutableStrided<Float>) -> Void
    ) -> (first: [Float], second: [Float]) {
        var (first, second) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
        let truncated = [UInt8](repeating: 0, count: count)
        let nextValues = Array(values.dropFirst())
        let ownValues = Array(values.dropLast())
        rewards.withUnsafeBufferPointer { rewards in
            discounts.withUnsafeBufferPointer { discounts in
                truncated.withUnsafeBufferPointer { truncated in
                    ownValues.withUnsafeBufferPointer { values in
                        nextValues.withUnsafeBufferPointer { nextValues in
                            ratios.withUnsafeBufferPointer { ratios in
                                first.withUnsafeMutableBufferPointer { first in
                                    second.withUnsafeMutableBufferPointer { second in
                                        body(
                                            CreditSequence(
                                                rewards: Strided(rewards), discounts: Strided(discounts), truncated: Strided(truncated),
                                                values: Strided(values), nextValues: Strided(nextValues)),
                                            Strided(ratios), MutableStrided(first), MutableStrided(second))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        return (first, second)
    }
}
