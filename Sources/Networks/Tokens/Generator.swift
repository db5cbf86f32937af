import CKernels
import Glibc
import Tensors

/// How responses are drawn.
public struct GenerationSettings: Sendable, Hashable {
    /// Responses that are generated at once.
    public var slots = 64
    /// Ends a response, of which it is the last token; nil: only the length ends it.
    public var stop: Int32?
    public var longestResponse: Int
    /// Logits are divided by it; 0 takes the most probable token.
    public var temperature: Float = 1
    /// The share of probability that the most probable tokens must reach together to be drawn from (Holtzman et al., 2020).
    public var topP: Float = 1
    public var seed: UInt64 = 0
    /// Who draws: an actor and how often it was started before; both with the seed decide the random numbers.
    public var actor: UInt32 = 0
    public var incarnation: UInt32 = 0
    /// Responses carry the entropy of the distribution that each token was drawn from.
    public var keepsEntropy = false
    /// After new weights, what slots have read is read again with them; otherwise they go on with the keys and values of the old ones.
    public var readsAgain = true

    public init(longestResponse: Int, stop: Int32? = nil) {
        self.longestResponse = longestResponse
        self.stop = stop
    }
}

/// From which token of a response on a policy version drew.
public struct VersionSwitch: Sendable, Hashable {
    public let token: Int
    public let version: UInt64

    public init(token: Int, version: UInt64) {
        self.token = token
        self.version = version
    }
}

/// What was drawn after a prompt.
public struct Response: Sendable, Hashable {
    public enum End: Sendable, Hashable {
        /// Not yet.
        case open
        case stopped
        /// The longest response, or the network's context, was reached.
        case length
    }

    public let id: UInt64
    public let prompt: [Int32]
    /// It ends after so many tokens.
    let longest: Int
    /// The most probable token is taken, whatever the temperature.
    let isGreedy: Bool
    public internal(set) var tokens: [Int32] = []
    /// Of each token under the distribution that it was drawn from: after temperature and top-p, of the version that drew it.
    public internal(set) var logProbs: [Float] = []
    /// Of the distribution that each token was drawn from, in nats; empty unless the settings ask for it.
    public internal(set) var entropies: [Float] = []
    /// The first is at token 0.
    public internal(set) var versions: [VersionSwitch] = []
    public internal(set) var end = End.open
}

/// Generates responses to prompts in slots with a cache of keys and values. A slot whose response is finished takes the next at once.
///
/// Random numbers are addressed by seed, response and token, and a row of a product has the same bits whatever stands beside it: a
/// response does not depend on its slot, nor on what is generated at the same time.
public final class Generator {
    public let transformer: Transformer
    public let settings: GenerationSettings
    public private(set) var version: UInt64
    /// The tokens that were drawn.
    public private(set) var drawn = 0
    /// How often one token was drawn in every slot that had a response: what time goes by where slots are decoded at once.
    public private(set) var steps = 0
    /// The temperature of a token, from the entropy of its distribution at the settings' temperature; nil: the settings' own.
    public var temperatures: ((_ entropy: Float) -> Float)?
    private var decoder: Decoder
    private let cache: TokenCache
    private let key: RandomKey
    private var slots: [Response?]
    private var queue: [Group] = []
    /// The first group of the queue that is not yet begun, as an index: what is before it is gone.
    private var next = 0
    /// The slot of the cache that holds the prompt of a group of which some responses wait.
    private var store: Int { settings.slots }
    private var storedLogits: Tensor?

    private struct Group {
        let prompt: [Int32]
        let longest: Int
        let isGreedy: Bool
        var responses: ArraySlice<UInt64>
    }

    public init(_ transformer: Transformer, _ weights: Weights, version: UInt64, _ settings: GenerationSettings) throws(TokenError) {
        func check(_ holds: Bool, _ problem: String, _ key: String, _ remedy: String) throws(TokenError) {
            if !holds { throw TokenError(problem: problem, place: "generation.\(key)", remedy: remedy) }
        }
        try check(settings.slots >= 1, "slots is \(settings.slots)", "slots", "Give a number of at least 1.")
        try check(
            settings.longestResponse >= 1, "longest_response is \(settings.longestResponse)", "longest_response", "Give a number of at least 1.")
        try check(
            settings.temperature >= 0 && settings.temperature.isFinite, "temperature is \(settings.temperature)", "temperature",
            "Give a number of at least 0; 0 takes the most probable token.")
        try check(settings.topP > 0 && settings.topP <= 1, "top_p is \(settings.topP)", "top_p", "Give a number above 0, at most 1.")
        if let stop = settings.stop {
            try check(
                stop >= 0 && Int(stop) < transformer.settings.vocabulary,
                "stop is \(stop), outside of the vocabulary of \(transformer.settings.vocabulary)", "stop", "Give one of the tokens.")
        }
        self.transformer = transformer
        self.settings = settings
        self.version = version
        decoder = Decoder(transformer, weights)
        cache = TokenCache(transformer, slots: settings.slots + 1, tokens: min(transformer.settings.context, settings.longestResponse + 16))
        key = RandomKey(seed: settings.seed, purpose: .generation, actor: settings.actor, incarnation: settings.incarnation)
        slots = Array(repeating: nil, count: settings.slots)
    }

    /// Asks for a response to the prompt for each id, which names its random numbers: no other response has it. The prompt is read once for
    /// all that begin before the weights change.
    /// - Parameters:
    ///   - longest: the responses end after so many tokens; nil: as the settings say.
    ///   - greedy: take the most probable token every time.
    public func add(prompt: [Int32], responses: [UInt64], longest: Int? = nil, greedy: Bool = false) throws(TokenError) {
        try transformer.check(TokenGroup(prompt: prompt, responses: []), place: "the prompt of response \(responses.first ?? 0)")
        guard !responses.isEmpty else { return }
        let longest = min(longest ?? settings.longestResponse, settings.longestResponse)
        cache.reserve(min(transformer.settings.context, prompt.count + longest))
        queue.append(Group(prompt: prompt, longest: max(longest, 1), isGreedy: greedy, responses: responses[...]))
    }

    /// Responses that have begun and are not finished.
    public var open: [Response] { slots.compactMap { $0 } }
    /// Responses that have not begun.
    public var waiting: Int { queue[next...].reduce(0) { $0 + $1.responses.count } }
    public var isIdle: Bool { next == queue.count && slots.allSatisfy { $0 == nil } }

    /// Takes an unfinished response out of its slot; nil where there is none of that id.
    public func remove(_ id: UInt64) -> Response? {
        guard let slot = slots.firstIndex(where: { $0?.id == id }) else { return nil }
        defer { slots[slot] = nil }
        return slots[slot]
    }

    /// Goes on with new weights: a copy of them, the caller's may change.
    public func load(_ weights: Weights, version: UInt64) {
        decoder = Decoder(transformer, weights)
        self.version = version
        storedLogits = nil
        guard settings.readsAgain else { return }
        // The last token of each has not been read yet.
        let sequences = slots.enumerated().compactMap { slot, response in
            response.map { (tokens: $0.prompt + $0.tokens.dropLast(), slots: [slot]) }
        }
        _ = read(sequences)
    }

    /// Begins what waits for a free slot, draws one token for every slot, and returns the responses that this finishes.
    public func step() -> [Response] {
        let continuing = slots.indices.filter { slots[$0] != nil }
        let (begun, firstLogits) = begin()
        if !begun.isEmpty || !continuing.isEmpty { steps += 1 }
        var finished: [Response] = []
        if !begun.isEmpty { draw(begun, firstLogits, &finished) }
        guard !continuing.isEmpty else { return finished }
        let logits = decoder.read(
            continuing.map { slots[$0]!.tokens.last! }, slots: continuing.map(Int32.init),
            positions: continuing.map { Int32(slots[$0]!.prompt.count + slots[$0]!.tokens.count - 1) }, cache)
        draw(continuing, [logits], &finished)
        return finished
    }

    /// All responses that are asked for, in the order in which they finish.
    public func finishAll() -> [Response] {
        var finished: [Response] = []
        while !isIdle { finished += step() }
        return finished
    }

    /// Puts waiting responses into free slots: these, and the logits of their first tokens.
    private func begin() -> (slots: [Int], logits: [Tensor]) {
        var begun: [Int] = []
        var logits: [Tensor] = []
        var sequences: [(tokens: [Int32], slots: [Int])] = []
        // For each begun slot the sequence that it comes from.
        var sources: [Int] = []
        var free = slots.indices.filter { slots[$0] == nil }[...]
        while !free.isEmpty, next < queue.count {
            let (prompt, longest, isGreedy) = (queue[next].prompt, queue[next].longest, queue[next].isGreedy)
            let taken = Array(free.prefix(queue[next].responses.count))
            for slot in taken {
                slots[slot] = Response(id: queue[next].responses.popFirst()!, prompt: prompt, longest: longest, isGreedy: isGreedy)
            }
            free = free.dropFirst(taken.count)
            if let stored = storedLogits {
                for slot in taken { cache.copy(from: store, to: slot, count: prompt.count) }
                begun += taken
                logits += taken.map { _ in stored }
            } else {
                sequences.append((prompt, queue[next].responses.isEmpty ? taken : taken + [store]))
                sources += taken.map { _ in sequences.count - 1 }
            }
            if queue[next].responses.isEmpty {
                storedLogits = nil
                next += 1
            } else {
                break
            }
        }
        if next > 1024 && next * 2 > queue.count {
            queue.removeFirst(next)
            next = 0
        }
        guard !sequences.isEmpty else { return (begun, logits) }
        let read = read(sequences)
        if sequences.last!.slots.last == store { storedLogits = read.rows(sequences.count - 1..<sequences.count) }
        return (begun + sequences.flatMap { $0.slots.filter { $0 != store } }, logits + [read.picked(sources)])
    }

    /// Reads sequences in parts that fit the caches near the processor; the logits after the last token of each.
    private func read(_ sequences: [(tokens: [Int32], slots: [Int])]) -> Tensor {
        var parts: [Tensor] = []
        var rest = sequences[...]
        while !rest.isEmpty {
            var (count, rows) = (1, rest.first!.tokens.count)
            while count < rest.count, case let more = rest[rest.startIndex + count].tokens.count, rows + more <= 512 {
                (count, rows) = (count + 1, rows + more)
            }
            parts.append(decoder.read(Array(rest.prefix(count)), cache))
            rest = rest.dropFirst(count)
        }
        return stacked(parts)
    }

    private func draw(_ chosen: [Int], _ logits: [Tensor], _ finished: inout [Response]) {
        let all = stacked(logits)
        let uniforms = chosen.map { slot in key.uniform(lane: UInt32(slots[slot]!.tokens.count), step: slots[slot]!.id) }
        var tokens = [Int32](repeating: 0, count: chosen.count)
        var logProbs = [Float](repeating: 0, count: chosen.count)
        let workspace = Tensor([2 * transformer.settings.vocabulary]) { _ in }
        let vocabulary = transformer.settings.vocabulary
        all.withBuffer { logits in
            workspace.withMutableBuffer {
                apus_draw_tokens(
                    logits.baseAddress, uniforms, settings.temperature, settings.topP, &tokens, &logProbs, $0.baseAddress, chosen.count, vocabulary)
                for (row, slot) in chosen.enumerated() {
                    let own = UnsafeBufferPointer(rebasing: logits[row * vocabulary..<(row + 1) * vocabulary])
                    if slots[slot]!.isGreedy {
                        apus_draw_tokens(own.baseAddress, [0], 0, 1, &tokens[row], &logProbs[row], $0.baseAddress, 1, vocabulary)
                    } else if settings.keepsEntropy || temperatures != nil {
                        var temperature = settings.temperature
                        if let temperatures {
                            temperature = temperatures(entropy(own, temperature: temperature))
                            apus_draw_tokens(
                                own.baseAddress, [uniforms[row]], temperature, settings.topP, &tokens[row], &logProbs[row], $0.baseAddress, 1, vocabulary)
                        }
                        if settings.keepsEntropy { slots[slot]!.entropies.append(entropy(own, temperature: temperature, topP: settings.topP)) }
                    }
                }
            }
        }
        drawn += chosen.count
        for (row, slot) in chosen.enumerated() {
            slots[slot]!.take(tokens[row], logProbs[row], version)
            let response = slots[slot]!
            if tokens[row] == settings.stop {
                slots[slot]!.end = .stopped
            } else if response.tokens.count == response.longest
                || response.prompt.count + response.tokens.count == transformer.settings.context
            {
                slots[slot]!.end = .length
            } else {
                continue
            }
            finished.append(slots[slot]!)
            slots[slot] = nil
        }
    }

    /// Of the softmax of logits / temperature, or of its most probable tokens alone, in nats.
    private func entropy(_ logits: UnsafeBufferPointer<Float>, temperature: Float, topP: Float = 1) -> Float {
        guard temperature > 0 else { return 0 }
        let largest = logits.max() ?? 0
        var kept = logits.map { ($0 - largest) / temperature }
        if topP < 1 {
            kept.sort(by: >)
            let share = topP * kept.reduce(0) { $0 + expf($1) }
            var reached = Float(0)
            let least = kept.first { x in
                reached += expf(x)
                return reached >= share
            }
            kept.removeAll { $0 < least ?? -.infinity }
        }
        var (sum, weighted) = (Float(0), Float(0))
        for x in kept {
            let weight = expf(x)
            sum += weight
            weighted += weight * x
        }
        return logf(sum) - weighted / sum
    }

    /// Rows one below the other.
    private func stacked(_ parts: [Tensor]) -> Tensor {
        if parts.count == 1 { return parts[0] }
        let columns = transformer.settings.vocabulary
        let rows = parts.reduce(0) { $0 + $1.shape[0] }
        return Tensor([rows, columns]) { target in
            var at = target.baseAddress
            for part in parts {
                part.withBuffer {
                    guard let from = $0.baseAddress else { return }
                    at!.update(from: from, count: $0.count)
                    at = at! + $0.count
                }
            }
        }
    }
}

extension Response {
    fileprivate mutating func take(_ token: Int32, _ logProb: Float, _ version: UInt64) {
        if versions.last?.version != version { versions.append(VersionSwitch(token: tokens.count, version: version)) }
        tokens.append(token)
        logProbs.append(logProb)
    }
}
