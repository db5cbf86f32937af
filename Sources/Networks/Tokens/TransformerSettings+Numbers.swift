import Platform

extension TransformerSettings {
    /// What travels to actors.
    public var numbers: NamedNumbers {
        NamedNumbers([
            "vocabulary": Double(vocabulary), "layers": Double(layers), "width": Double(width), "heads": Double(heads),
            "key_heads": Double(keyHeads), "head_width": Double(headWidth), "feed_forward_width": Double(feedForwardWidth),
            "context": Double(context), "layer_norm": norm == .layer ? 1 : 0, "norm_epsilon": Double(normEpsilon),
            "gelu": feedForward == .gelu ? 1 : 0, "tied": tiesEmbeddings ? 1 : 0, "rotary_base": Double(rotaryBase),
            "value_head": hasValueHead ? 1 : 0, "initial_deviation": Double(initialDeviation), "scales_outputs": scalesOutputs ? 1 : 0,
        ])
    }

    public init(_ numbers: NamedNumbers, place: String) throws(NumberError) {
        var read = NamedNumbers.Reader(numbers, place: place)
        let size = 1...1 << 20
        self.init(vocabulary: try read.count("vocabulary", size, 64))
        layers = try read.count("layers", size, layers)
        width = try read.count("width", size, width)
        heads = try read.count("heads", size, heads)
        keyHeads = try read.count("key_heads", size, heads)
        headWidth = try read.count("head_width", size, max(width / heads, 1))
        feedForwardWidth = try read.count("feed_forward_width", size, min(4 * width, 1 << 20))
        context = try read.count("context", size, context)
        norm = try read.flag("layer_norm", false) ? .layer : .rms
        normEpsilon = Float(try read.number("norm_epsilon", 0...1, Double(normEpsilon)))
        feedForward = try read.flag("gelu", false) ? .gelu : .swiglu
        tiesEmbeddings = try read.flag("tied", false)
        rotaryBase = Float(try read.number("rotary_base", 0...1e12, Double(rotaryBase)))
        hasValueHead = try read.flag("value_head", false)
        initialDeviation = Float(try read.number("initial_deviation", 0...1e3, Double(initialDeviation)))
        scalesOutputs = try read.flag("scales_outputs", false)
        try read.finish()
    }
}
