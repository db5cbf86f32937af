import Platform
import Tensors

/// How a transformer over tokens is built. The defaults are Llama's.
public struct TransformerSettings: Sendable, Hashable {
    public enum Norm: String, Sendable, CaseIterable {
        /// Root mean square (Zhang and Sennrich, 2019).
        case rms
        /// With mean and bias (Ba et al., 2016).
        case layer
    }
    public enum FeedForward: String, Sendable, CaseIterable {
        /// silu(gate) · up (Shazeer, 2020).
        case swiglu
        /// One matrix up, one down.
        case gelu
    }

    /// Tokens are 0 … vocabulary − 1.
    public var vocabulary: Int
    public var layers: Int
    /// Of the stream that layers add to.
    public var width: Int
    public var heads: Int
    /// Heads of keys and values; each serves `heads / keyHeads` heads.
    public var keyHeads: Int
    public var headWidth: Int
    public var feedForwardWidth: Int
    /// The longest sequence of prompt and response together.
    public var context: Int
    public var norm = Norm.rms
    public var normEpsilon: Float = 1e-6
    public var feedForward = FeedForward.swiglu
    /// The embedding of the tokens is also the matrix of the logits.
    public var tiesEmbeddings = false
    public var rotaryBase: Float = 10000
    /// A value of every position beside the logits.
    public var hasValueHead = false
    /// The standard deviation of the initial matrices.
    public var initialDeviation: Float = 0.02
    /// Divides that of the matrices that write to the stream by √(2 · layers) (Radford et al., 2019).
    public var scalesOutputs = false

    public init(vocabulary: Int, layers: Int = 2, width: Int = 64, heads: Int = 4, keyHeads: Int? = nil, context: Int = 128) {
        self.vocabulary = vocabulary
        self.layers = layers
        self.width = width
        self.heads = heads
        self.keyHeads = keyHeads ?? heads
        headWidth = heads > 0 ? width / heads : 0
        feedForwardWidth = 4 * width
        self.context = context
    }

    /// What does not fit together, with the key that says so.
    ///
    /// - Parameter section: what stands before the key in errors.
    public func validate(section: String = "transformer") throws(NetworkError) {
        func check(_ holds: Bool, _ problem: String, _ key: String, _ remedy: String) throws(NetworkError) {
            if !holds { throw NetworkError(problem: problem, place: "\(section).\(key)", remedy: remedy) }
        }
        let sizes = [
            ("vocabulary", vocabulary), ("layers", layers), ("width", width), ("heads", heads), ("key_heads", keyHeads),
            ("head_width", headWidth), ("feed_forward_width", feedForwardWidth), ("context", context),
        ]
        for (key, size) in sizes { try check((1...1 << 20).contains(size), "\(key) is \(size)", key, "Give a number of 1 to \(1 << 20).") }
        try check(heads % keyHeads == 0, "key_heads is \(keyHeads), which does not divide \(heads) heads", "key_heads", "Give a divisor of heads.")
        try check(
            headWidth % 2 == 0, "\(heads) heads of a width of \(headWidth) each", headWidth == width / heads ? "heads" : "head_width",
            "Rotary positions turn pairs: choose heads that are an even number wide, here \(width) / heads.")
        try check(rotaryBase > 0 && rotaryBase.isFinite, "rotary_base is \(rotaryBase)", "rotary_base", "Give a number above 0.")
        try check(normEpsilon > 0 && normEpsilon.isFinite, "norm_epsilon is \(normEpsilon)", "norm_epsilon", "Give a number above 0.")
        try check(
            initialDeviation > 0 && initialDeviation.isFinite, "initial_deviation is \(initialDeviation)", "initial_deviation",
            "Give a number above 0.")
    }
}

extension TransformerSettings {
    /// From the config.json beside a model of the Llama family.
    ///
    /// - Parameter place: the file's name, for errors.
    public init(llama config: JSON, place: String) throws(NetworkError) {
        func fail(_ problem: String, _ key: String, _ remedy: String) -> NetworkError {
            NetworkError(problem: problem, place: "\(place), \(key)", remedy: remedy)
        }
        func integer(_ key: String, or standard: Int? = nil) throws(NetworkError) -> Int {
            if let value = config[key]?.integer { return value }
            guard let standard else { throw fail("\(key) is missing", key, "Give the config.json of a Llama model.") }
            return standard
        }
        let heads = try integer("num_attention_heads")
        self.init(
            vocabulary: try integer("vocab_size"), layers: try integer("num_hidden_layers"), width: try integer("hidden_size"), heads: heads,
            keyHeads: try integer("num_key_value_heads", or: heads), context: try integer("max_position_embeddings"))
        headWidth = try integer("head_dim", or: headWidth)
        feedForwardWidth = try integer("intermediate_size")
        if let epsilon = config["rms_norm_eps"]?.number { normEpsilon = Float(epsilon) }
        let rotary = config["rope_parameters"] ?? config["rope_scaling"]
        if let kind = (rotary?["rope_type"] ?? rotary?["type"])?.string, kind != "default" {
            throw fail("the rotary positions are scaled (\(kind))", "rope_parameters", "Take a model with plain rotary positions.")
        }
        if let base = (rotary?["rope_theta"] ?? config["rope_theta"])?.number { rotaryBase = Float(base) }
        if config["attention_bias"] == .bool(true) || config["mlp_bias"] == .bool(true) {
            throw fail("the matrices have biases", "attention_bias, mlp_bias", "Take a model without them.")
        }
        if let activation = config["hidden_act"]?.string, activation != "silu" {
            throw fail("the activation is \(activation)", "hidden_act", "Take a model with silu.")
        }
        tiesEmbeddings = config["tie_word_embeddings"] == .bool(true)
        try validate()
    }
}
