import Methods
import Networks
import Rollouts

/// A learner of a transformer that is as small as it may be.
enum TinyLearner {
    static func make(_ method: TokenMethod, seed: UInt64 = 1, context: Int = 32) throws -> TokenLearner {
        var settings = TransformerSettings(vocabulary: 12, layers: 1, width: 8, heads: 2, context: context)
        settings.initialDeviation = 0.3
        settings.hasValueHead = method.hasValue
        let transformer = try Transformer(settings)
        return try TokenLearner(method, transformer, from: transformer.initialWeights(seed: seed), optimizer: OptimizerSettings())
    }
}

extension Weights {
    var numbers: [Float] { flat.withBuffer { Array($0) } }
    var slopes: [Float] { gradient.withBuffer { Array($0) } }
}
