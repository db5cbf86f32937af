import Rollouts

/// Soft punishment of responses that come near to the longest one allowed (DAPO; B05), with |o| the tokens that the policy drew:
///
///     R ← R + { 0 for |o| ≤ longest − cache;   (longest − cache − |o|) / cache up to the longest;   −1 beyond }
public struct OverlongPunishment: TokenStage {
    /// L_max
    public var longest: Float
    /// L_cache: over so many tokens the punishment grows to −1.
    public var cache: Float

    public init(longest: Float = 20480, cache: Float = 4096) {
        self.longest = longest
        self.cache = cache
    }
    public init(_ option: MethodOptions) { self.init(longest: option("longest"), cache: option("cache")) }

    public static let options = [
        MethodOption(
            "longest", 20480, 1...(.infinity), "L_max: responses of this length lose 1 of their reward; set it to the longest that the run allows"),
        MethodOption("cache", 4096, 1...(.infinity), "L_cache: over how many tokens before the longest the punishment grows"),
    ]

    public func punishment(_ length: Float) -> Float { min(0, max(-1, (longest - cache - length) / cache)) }

    public func apply(_ work: inout TokenWork) {
        for response in work.batch.responses.indices { work.reward[response] += punishment(Float(work.batch.drawn(response).count)) }
    }
}

/// Responses that were cut at the longest are in no loss (overlong filtering; B05). Their rewards count for the others of the group.
public struct OverlongFilter: TokenStage {
    public init() {}

    public func apply(_ work: inout TokenWork) {
        for (number, response) in work.batch.responses.enumerated() where response.end == .length {
            for token in work.batch.spans[number] { work.mask[token] = 0 }
        }
    }
}
