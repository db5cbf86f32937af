import Rollouts

extension RunSpec {
    /// Checks every value's range. The method's options and the environment's name are checked by those who know them.
    public func validate(place: String = "the run's description") throws(RunSpecError) {
        func check(_ key: String, _ value: Any, _ holds: Bool, _ allowed: String) throws(RunSpecError) {
            guard holds else { throw .outOfRange(key: key, value: "\(value)", allowed: allowed, place: place) }
        }
        func positive(_ key: String, _ value: Double) throws(RunSpecError) {
            try check(key, value, value > 0 && value.isFinite, "a finite number above 0")
        }
        func count(_ key: String, _ value: Int, from least: Int = 1, to most: Int = .max) throws(RunSpecError) {
            let range = most == .max ? "a whole number from \(least)" : "a whole number from \(least) to \(most)"
            try check(key, value, value >= least && value <= most, range)
        }
        try check(
            "name", name.isEmpty ? "empty" : name, Self.isName(name), "a name of letters, digits, '-', '_', '.', not starting with '.'")
        try check("environment.id", "empty", !environment.id.isEmpty, "the name of an environment")
        for (option, value) in environment.options.sorted(by: { $0.key < $1.key }) {
            try check("environment.options.\(option)", value, !value.isNaN, "a number")
        }
        try count("environment.max_episode_steps", environment.maxEpisodeSteps, from: 0, to: Int(Int32.max))
        try check("reward.scale", reward.scale, reward.scale.isFinite && reward.scale != 0, "a finite number other than 0")
        try check("reward.clip", reward.clip, reward.clip > 0, "a number above 0 (.inf: no limit)")
        try count("network.memory_width", network.memoryWidth, to: 65_536)
        try check("network.initial_log_deviation", network.initialLogDeviation, abs(network.initialLogDeviation) <= 20, "-20 to 20")
        for width in network.hidden { try count("network.hidden", width, to: 65_536) }
        for (key, value, least) in [
            ("layers", tokens.layers, 1), ("width", tokens.width, 1), ("heads", tokens.heads, 1), ("key_heads", tokens.keyHeads, 0),
            ("feed_forward_width", tokens.feedForwardWidth, 0), ("context", tokens.context, 0), ("longest_response", tokens.longestResponse, 0),
        ] { try count("tokens.\(key)", value, from: least, to: 1 << 20) }
        try check("tokens.temperature", tokens.temperature, tokens.temperature > 0 && tokens.temperature <= 1000, "a number above 0, at most 1000")
        try check("tokens.top_p", tokens.topP, tokens.topP > 0 && tokens.topP <= 1, "a number above 0, at most 1")
        try count("tokens.groups", tokens.groups, to: 65_536)
        try check(
            "tokens.hints", tokens.hints,
            tokens.hints.count <= GroupPlan.mostHints && tokens.hints.allSatisfy { (0...1).contains($0) }
                && zip(tokens.hints, tokens.hints.dropFirst()).allSatisfy { $0 < $1 },
            "at most \(GroupPlan.mostHints) numbers from 0 to 1, ascending")
        try count("tokens.replayed_successes", tokens.replayedSuccesses, from: 0, to: 1024)
        try count("tokens.replayed_lag", tokens.replayedLag, from: 0, to: 1 << 30)
        try count("tokens.samples", tokens.samples, to: 1024)
        try count("warmup.updates", warmup.updates, from: 0)
        try count("warmup.batch", warmup.batch, to: 65_536)
        try positive("warmup.learning_rate", warmup.learningRate)
        try check("warmup.accuracy", warmup.accuracy, warmup.accuracy > 0 && warmup.accuracy <= 1, "a number above 0, at most 1")
        try check("method.id", "empty", !method.id.isEmpty, "the name of a method")
        for (option, value) in method.options.sorted(by: { $0.key < $1.key }) {
            try check("method.options.\(option)", value, !value.isNaN, "a number")
        }
        func countIfAny(_ key: String, _ value: Int?, from least: Int, to most: Int = .max) throws(RunSpecError) {
            if let value { try count(key, value, from: least, to: most) }
        }
        if let ratio = replay.ratio { try check("replay.ratio", ratio, ratio >= 0 && ratio.isFinite, "a finite number from 0") }
        try countIfAny("replay.capacity_bytes", replay.capacityBytes, from: 1)
        try countIfAny("replay.capacity_steps", replay.capacitySteps, from: 1, to: 1 << 53)
        try countIfAny("replay.sequences", replay.sequences, from: 1, to: 1_000_000)
        try countIfAny("replay.steps", replay.steps, from: 0, to: 131_072)
        try countIfAny("replay.burn_in", replay.burnIn, from: 0, to: 131_071)
        try countIfAny("replay.overlap", replay.overlap, from: 0, to: 65_536)
        try countIfAny("replay.minimum_steps", replay.minimumSteps, from: 1, to: 1 << 53)
        try countIfAny("replay.maximum_times_sampled", replay.maximumTimesSampled, from: 0)
        for (key, value) in [
            ("priority_exponent", replay.priorityExponent), ("importance_exponent", replay.importanceExponent),
            ("dataset_share", replay.datasetShare),
        ] {
            if let value { try check("replay.\(key)", value, value >= 0 && value <= 1, "a number from 0 to 1") }
        }
        try check(
            "replay.dataset_share", replay.datasetShare, replay.datasetShare == 0 || !replay.dataset.isEmpty,
            "0 while replay.dataset is empty")
        try positive("optimizer.learning_rate", optimizer.learningRate)
        try count("optimizer.warmup_updates", optimizer.warmupUpdates, from: 0, to: 1 << 30)
        try check("optimizer.clip_norm", optimizer.clipNorm, optimizer.clipNorm > 0, "a number above 0 (.inf: no clipping)")
        try positive("optimizer.epsilon", optimizer.epsilon)
        try count("actors.count", actors.count, from: 0, to: 65_536)
        try count("actors.slots", actors.slots, to: 65_536)
        try count("actors.unroll", actors.unroll, to: 65_536)
        try countIfAny("actors.credits", actors.credits, from: 1, to: 1024)
        try count("actors.maximum", actors.maximum, to: 65_536)
        try check("actors.count", actors.count, actors.count <= actors.maximum, "at most actors.maximum (\(actors.maximum))")
        try count("learner.rollouts_per_update", learner.rolloutsPerUpdate, to: 65_536)
        try count("learner.max_lag", learner.maxLag, from: 0, to: 1 << 53)
        try count("learner.threads", learner.threads, to: 1024)
        try positive("learner.checkpoint_seconds", learner.checkpointSeconds)
        try count("learner.keep_checkpoints", learner.keepCheckpoints)
        try check("learner.mismatch_share", learner.mismatchShare, (0...1).contains(learner.mismatchShare), "a number from 0 to 1")
        try count("stop.frames", stop.frames)
        if let target = stop.return { try check("stop.return", target, target.isFinite, "a finite number, or null") }
        try count("stop.episodes", stop.episodes, to: 1_000_000)
        try count("stop.evaluation_episodes", stop.evaluationEpisodes, from: stop.return == nil ? 0 : 1, to: 1_000_000)
        try check("stop.seconds", stop.seconds, stop.seconds > 0, "a number above 0 (.inf: no limit)")
        try positive("metrics.every_seconds", metrics.everySeconds)
    }

    /// Whether `name` can be the name of a directory on every system.
    static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 200 && name.first != "."
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a") ... UInt8(ascii: "z"), UInt8(ascii: "A") ... UInt8(ascii: "Z"),
                    UInt8(ascii: "0") ... UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
