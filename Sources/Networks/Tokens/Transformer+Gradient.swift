import Tensors

extension Transformer {
    /// Rows of a batch whose values stay in a second-level cache of 1 to 2 MB, for networks of the size of the default.
    public static let microBatchRows = 128

    /// Adds the gradient of a loss over all responses to `weights.gradient`, batch by batch: what a batch keeps for its gradient stays in the
    /// caches near the processor. Several threads (`setBLASThreads`) take a part of the batches each.
    ///
    /// - Parameters:
    ///   - batches: of `TokenBatch.micro`.
    ///   - loss: a batch's share of the loss, from the network's word on its tokens and their numbers among all (`responseTokens`): a
    ///     sum divided by numbers of the whole, so that the shares add up to the loss. It is called from several threads.
    /// - Returns: the loss.
    public func accumulateGradient(
        _ batches: [TokenBatch], _ weights: Weights, temperature: Float = 1, topP: Float = 1, loss: @Sendable (TokenOutput, Range<Int>) -> Tensor
    ) -> Double {
        accumulateGradient(batches, weights, temperature: temperature, topP: topP, reporting: { (loss($0, $1), ()) }).loss
    }

    /// The same, with what else is to be known of each batch, in the order of the batches; batches without a token of a response have none.
    public func accumulateGradient<Report>(
        _ batches: [TokenBatch], _ weights: Weights, temperature: Float = 1, topP: Float = 1,
        reporting loss: @Sendable (TokenOutput, Range<Int>) -> (share: Tensor, report: Report)
    ) -> (loss: Double, reports: [Report]) {
        let batches = batches.filter { !$0.responseTokens.isEmpty }
        let parts = max(1, min(parallelParts, batches.count))
        // The first part adds to the gradient itself.
        let gradients = [weights.gradient] + (1..<parts).map { _ in Tensor(zeros: weights.gradient.shape) }
        var results = [(share: Double, report: Report)?](repeating: nil, count: batches.count)
        results.withUnsafeMutableBufferPointer { results in
            parallel(parts) { part, parts in
                for index in batches.count * part / parts..<batches.count * (part + 1) / parts {
                    let tape = Tape()
                    let output = self(batches[index], weights.parameters(on: tape, into: gradients[part]), temperature: temperature, topP: topP)
                    let (share, report) = loss(output, batches[index].responseTokens)
                    tape.backward(share)
                    results[index] = (Double(share.scalar), report)
                }
            }
        }
        for gradient in gradients.dropFirst() { weights.addGradient(gradient) }
        return (results.reduce(0) { $0 + $1!.share }, results.map { $0!.report })
    }
}
