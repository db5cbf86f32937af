import Platform
import Tensors

/// Responses to one prompt.
public struct TokenGroup: Sendable, Hashable {
    public var prompt: [Int32]
    public var responses: [[Int32]]

    public init(prompt: [Int32], responses: [[Int32]]) {
        self.prompt = prompt
        self.responses = responses
    }

    /// The tokens of all responses.
    public var responseCount: Int { responses.reduce(0) { $0 + $1.count } }
}

/// Why tokens cannot be given to a transformer.
public struct TokenError: Remediable, Hashable {
    public let problem: String
    public let place: String
    public let remedy: String
}

/// Sequences of different lengths, packed one after the other without padding: the rows of a transformer.
///
/// The tokens of the responses are numbered in order: group by group, response by response, token by token. An empty response has none.
public struct TokenBatch: Sendable, Hashable {
    public private(set) var tokens: [Int32] = []
    /// The place of each row in its sequence.
    public private(set) var positions: [Int32] = []
    public private(set) var segments: [AttentionSegment] = []
    /// For each token of a response: the row that predicts it.
    public private(set) var predictingRows: [Int32] = []
    /// For each token of a response: the token.
    public private(set) var predictedTokens: [Int32] = []
    /// The numbers of the first and after the last of its response tokens among those of all micro-batches.
    public private(set) var responseTokens = 0..<0

    /// - Parameter sharing: compute a group's prompt once instead of once per response (S038); the same numbers up to rounding.
    public init(_ groups: [TokenGroup], sharing: Bool = true) {
        for group in groups { add(group.prompt, group.responses[...], sharing: sharing) }
        responseTokens = 0..<predictedTokens.count
    }

    /// Batches of whole sequences of at most `rows` rows (one longer sequence makes a batch of its own). Their gradients add up to that of the
    /// one batch where losses are divided by numbers of the whole: `responseTokens` says which of the tokens each has.
    public static func micro(_ groups: [TokenGroup], rows: Int, sharing: Bool = true) -> [TokenBatch] {
        precondition(rows > 0, "batches of \(rows) rows")
        var batches: [TokenBatch] = []
        var batch = TokenBatch()
        var number = 0
        func close() {
            guard !batch.tokens.isEmpty else { return }
            batch.responseTokens = number..<number + batch.predictedTokens.count
            number = batch.responseTokens.upperBound
            batches.append(batch)
            batch = TokenBatch()
        }
        for group in groups {
            // As many of the group's responses as still fit, then the rest beside the prompt once more.
            var rest = group.responses[...]
            while !rest.isEmpty {
                var (taken, size) = (0, sharing ? group.prompt.count : 0)
                for response in rest {
                    let more = (sharing ? 0 : group.prompt.count) + max(response.count - 1, 0)
                    guard batch.tokens.count + size + more <= rows else { break }
                    (taken, size) = (taken + 1, size + more)
                }
                if taken == 0 {
                    if !batch.tokens.isEmpty {
                        close()
                        continue
                    }
                    taken = 1
                }
                batch.add(group.prompt, rest.prefix(taken), sharing: sharing)
                rest = rest.dropFirst(taken)
            }
        }
        close()
        return batches
    }

    private init() {}

    private mutating func add(_ prompt: [Int32], _ responses: ArraySlice<[Int32]>, sharing: Bool) {
        precondition(!prompt.isEmpty, "a prompt without a token: nothing would predict the first token of the response")
        let responses = responses.filter { !$0.isEmpty }
        guard sharing && responses.count > 1 else {
            for response in responses {
                let start = tokens.count
                append(prompt, from: 0)
                append(response.dropLast(), from: prompt.count)
                segments.append(AttentionSegment(rows: start..<tokens.count))
                predict(response, first: start + prompt.count - 1, next: start + prompt.count)
            }
            return
        }
        let prefix = tokens.count..<tokens.count + prompt.count
        append(prompt, from: 0)
        segments.append(AttentionSegment(rows: prefix))
        for response in responses {
            let start = tokens.count
            append(response.dropLast(), from: prompt.count)
            if start < tokens.count { segments.append(AttentionSegment(rows: start..<tokens.count, prefix: prefix)) }
            predict(response, first: prefix.upperBound - 1, next: start)
        }
    }

    private mutating func append(_ part: some Collection<Int32>, from position: Int) {
        tokens += part
        positions += (position..<position + part.count).map(Int32.init)
    }

    /// The first token is predicted by row `first`, the others by the rows from `next` on.
    private mutating func predict(_ response: [Int32], first: Int, next: Int) {
        predictedTokens += response
        predictingRows.append(Int32(first))
        predictingRows += (next..<next + response.count - 1).map(Int32.init)
    }
}

extension Transformer {
    /// Whether this network can be given these tokens: a prompt of at least one, all in the vocabulary, no sequence beyond the context.
    public func check(_ group: TokenGroup, place: String) throws(TokenError) {
        guard !group.prompt.isEmpty else {
            throw TokenError(problem: "the prompt is empty", place: place, remedy: "Give it at least one token, for instance that of a beginning")
        }
        try check(tokens: group.prompt, "prompt", place)
        guard group.prompt.count < settings.context else {
            throw TokenError(
                problem: "the prompt has \(group.prompt.count) tokens, the network's context \(settings.context) with the response",
                place: place, remedy: "Shorten the prompt or make the network with a longer context")
        }
        for (index, response) in group.responses.enumerated() {
            try check(tokens: response, "response \(index + 1)", place)
            guard group.prompt.count + response.count <= settings.context else {
                throw TokenError(
                    problem: "prompt and response \(index + 1) have \(group.prompt.count + response.count) tokens, the context \(settings.context)",
                    place: place, remedy: "Limit the length of responses or make the network with a longer context")
            }
        }
    }

    private func check(tokens: [Int32], _ part: String, _ place: String) throws(TokenError) {
        guard let index = tokens.firstIndex(where: { $0 < 0 || Int($0) >= settings.vocabulary }) else { return }
        throw TokenError(
            problem: "token \(index + 1) of the \(part) is \(tokens[index]), outside of the vocabulary of \(settings.vocabulary)", place: place,
            remedy: "Encode the text with the vocabulary that the network was made for")
    }
}
