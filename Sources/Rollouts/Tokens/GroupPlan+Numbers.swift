import Platform

extension GroupPlan {
    public static let mostHints = 16

    /// What travels to actors.
    public var numbers: NamedNumbers {
        var numbers = NamedNumbers([
            "responses": Double(responses), "greedy_baseline": greedyBaseline ? 1 : 0, "leaves_out_equal": leavesOutEqual ? 1 : 0,
            "most_left_out": Double(mostLeftOut), "window": Double(window), "demonstrations": Double(demonstrations),
            "keeps_entropy": keepsEntropy ? 1 : 0, "first_token_is_control": firstTokenIsControl ? 1 : 0,
            "adaptive_temperature": Double(adaptiveTemperature), "stored_attempts": Double(storedAttempts), "stored_share": Double(storedShare),
            "hints": Double(hints.count), "replayed_successes": Double(replayedSuccesses), "replayed_lag": Double(replayedLag),
        ])
        for (stage, share) in hints.enumerated() { numbers["hint_\(stage)"] = Double(share) }
        switch forks {
        case .none: break
        case .chain(let interval, let threshold, let samples):
            numbers["chain.interval"] = Double(interval)
            numbers["chain.threshold"] = Double(threshold)
            numbers["chain.samples"] = Double(samples)
        case .tree(let widths, let tokens):
            numbers["tree.levels"] = Double(widths.count)
            for (level, width) in widths.enumerated() { numbers["tree.width_\(level)"] = Double(width) }
            numbers["tree.tokens"] = Double(tokens)
        }
        return numbers
    }

    public init(_ numbers: NamedNumbers, place: String) throws(NumberError) {
        var read = NamedNumbers.Reader(numbers, place: place)
        self.init(responses: try read.count("responses", 1...1024, 8))
        greedyBaseline = try read.flag("greedy_baseline", false)
        leavesOutEqual = try read.flag("leaves_out_equal", false)
        mostLeftOut = try read.count("most_left_out", 1...1_000_000, mostLeftOut)
        window = try read.count("window", 0...1 << 20, 0)
        demonstrations = try read.count("demonstrations", 0...1024, 0)
        keepsEntropy = try read.flag("keeps_entropy", false)
        firstTokenIsControl = try read.flag("first_token_is_control", false)
        adaptiveTemperature = Float(try read.number("adaptive_temperature", 0...1, 0))
        storedAttempts = try read.count("stored_attempts", 0...1024, 0)
        storedShare = Float(try read.number("stored_share", 0...1, 0))
        for stage in 0..<(try read.count("hints", 0...GroupPlan.mostHints, 0)) { hints.append(Float(try read.number("hint_\(stage)", 0...1, 0))) }
        replayedSuccesses = try read.count("replayed_successes", 0...1024, 0)
        replayedLag = try read.count("replayed_lag", 0...1 << 30, replayedLag)
        let interval = try read.count("chain.interval", 0...1 << 20, 0)
        let threshold = try read.number("chain.threshold", 0...1, 0)
        let samples = try read.count("chain.samples", 0...1024, 0)
        if interval > 0 { forks = .chain(interval: interval, threshold: Float(threshold), samples: samples) }
        let levels = try read.count("tree.levels", 0...16, 0)
        var widths: [Int] = []
        for level in 0..<levels { widths.append(try read.count("tree.width_\(level)", 1...64, 1)) }
        let tokens = try read.count("tree.tokens", 0...1 << 20, 0)
        if levels > 0 { forks = .tree(widths: widths, tokens: tokens) }
        try read.finish()
    }
}
