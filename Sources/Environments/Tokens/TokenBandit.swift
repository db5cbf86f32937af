import Tensors

/// One character → one character: a contextual bandit (T1 of the catalogue's proof tasks). The prompt is one of 32 contexts, the response
/// one of 16 arms, without a stop token; a table that the policy does not see has the probabilities of success.
///
/// The reward is drawn: 1 with that probability, else 0, a draw of its own for every `draw` of `verify`; or it is the probability itself.
/// A response is correct when it is the best arm. Everything else than an arm is worth 0. Nothing of one context follows from the others:
/// held-out tasks are the training tasks. Teachers pull every arm equally often, so that a warm-up tells nothing but what arms are.
public struct TokenBandit: TokenEnvironment {
    public static let id = "token-bandit"
    public static let summary = "one of 32 contexts → one of 16 arms, rewarded with hidden probabilities; no stop token"
    public static let options = [
        EnvironmentOption("expected", 0, 0...1, "1: the reward is the probability itself, not a draw"),
        EnvironmentOption("seed", 0, 0...4_294_967_295, "which table"),
    ]
    private static let characters = Array("0123456789abcdefghijklmnopqrstuv")

    public let table: BanditTable
    private let isExpected: Bool
    private let seed: UInt32

    public init(_ options: EnvironmentOptions) throws {
        seed = UInt32(options["seed"])
        table = BanditTable(seed: seed)
        isExpected = options["expected"] >= 0.5
    }

    public var isTotal: Bool { true }
    public var taskCount: UInt32 { UInt32(table.contexts) }
    public var longestPrompt: Int { 1 }
    public var longestResponse: Int { 1 }

    public func task(_ id: UInt32) -> TokenTask {
        TokenTask(id: id, prompt: vocabulary.tokens(ofOwn: String(Self.characters[Int(id) % table.contexts])))
    }
    public func heldOutTask(_ id: UInt32) -> TokenTask { task(id) }

    /// The tokens of the arms, in the table's order.
    public var armTokens: [Int32] { vocabulary.tokens(ofOwn: String(Self.characters.prefix(table.arms))) }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict { try verify(task, response, draw: 0) }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>, draw: UInt64) throws -> Verdict {
        // A stop token behind the arm does no harm.
        let said = vocabulary.decode(response)
        guard let context = Self.characters.firstIndex(where: { vocabulary.decode(task.prompt) == String($0) }) else {
            throw TokenTaskError(
                problem: "the prompt is no context", place: "the prompt \"\(vocabulary.decode(task.prompt))\"",
                remedy: "Give the tasks of this environment.")
        }
        guard let arm = Self.characters.prefix(table.arms).firstIndex(where: { said == String($0) || said == "\($0)\n" }) else {
            return Verdict(reward: 0, isCorrect: false)
        }
        let success = table.success(context, arm)
        // A stream for each context and arm of a table, in which draws have places of their own.
        let cell = UInt32(context * table.arms + arm)
        var stream = RandomKey(seed: UInt64(seed), purpose: .environment, actor: cell).stream(slot: 1, episode: draw)
        let reward = isExpected ? success : stream.uniform() < success ? 1 : 0
        return Verdict(reward: Float(reward), isCorrect: arm == table.best(context), answer: Int32(arm))
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? { [armTokens[Int(choice) % table.arms]] }
}
