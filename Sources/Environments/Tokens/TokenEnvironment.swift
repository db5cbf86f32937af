import Platform
import Tensors

/// Something to respond to: the start state of a token environment.
public struct TokenTask: Sendable, Hashable {
    /// Stable: the same number is the same task in every process and every run of these options.
    public let id: UInt32
    /// The level, from 0; what curricula go by.
    public let difficulty: UInt16
    /// What actors respond to.
    public let prompt: [Int32]
    /// What the policy learns to respond to in the same way, and is evaluated with; nil: the prompt itself.
    public let trainingPrompt: [Int32]?

    public init(id: UInt32, difficulty: UInt16 = 0, prompt: [Int32], trainingPrompt: [Int32]? = nil) {
        self.id = id
        self.difficulty = difficulty
        self.prompt = prompt
        self.trainingPrompt = trainingPrompt
    }
}

/// What a verifier says about a response.
public struct Verdict: Sendable, Hashable {
    /// What is trained on.
    public var reward: Float
    /// Whether the task is solved, whatever the reward is made of.
    public var isCorrect: Bool
    /// Names what was answered, so that equal answers can be told: -1 where there is none.
    public var answer: Int32
    /// The parts of the reward, in the order of `rewardNames`.
    public var parts: [Float]

    public init(reward: Float, isCorrect: Bool, answer: Int32 = -1, parts: [Float] = []) {
        self.reward = reward
        self.isCorrect = isCorrect
        self.answer = answer
        self.parts = parts
    }
}

/// What comes after a turn of the policy.
public enum Turn: Sendable, Hashable {
    /// The response is complete.
    case over
    /// The environment appends these tokens, and the policy goes on.
    case reply([Int32])
}

/// A task generator with a verifier: prompt → tokens → reward.
///
/// A value with its options inside; everything is a pure function of the task's number, so that actors, learner and replay see one world.
public protocol TokenEnvironment: Sendable {
    /// How a run names it (`environment.id`).
    static var id: String { get }
    /// One line.
    static var summary: String { get }
    static var options: [EnvironmentOption] { get }

    init(_ options: EnvironmentOptions) throws

    var vocabulary: Vocabulary { get }
    /// How many training tasks there are, numbered from 0.
    var taskCount: UInt32 { get }
    /// The longest prompt, in tokens, prompts to train under included.
    var longestPrompt: Int { get }
    /// The longest response that the environment allows for, in tokens, with the stop token and with what tools answer.
    var longestResponse: Int { get }
    /// How many levels `TokenTask.difficulty` has.
    var levels: Int { get }
    /// The names of `Verdict.parts`.
    var rewardNames: [String] { get }
    /// Whether `turn` and `verify` always return, soon: whatever the response. Then `VerifierDesk` needs no thread to wait for them.
    var isTotal: Bool { get }

    /// The training task of that number, below `taskCount`.
    func task(_ id: UInt32) -> TokenTask
    /// A task that is not trained on, for evaluation: numbered like those, and different from all of them where there are enough.
    func heldOutTask(_ id: UInt32) -> TokenTask

    /// What follows a turn that the policy has ended with the stop token. `response` has all tokens so far, the stop token last.
    func turn(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Turn
    /// Judges a response; it may have been cut, and may be empty or nonsense.
    func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict
    /// The same for environments whose reward is drawn: every `draw` is a draw of its own, and gives the same verdict whenever it is asked.
    func verify(_ task: TokenTask, _ response: ArraySlice<Int32>, draw: UInt64) throws -> Verdict

    /// A response that a teacher would give, with the stop token; nil: there is none. Several for one task differ by `choice`.
    ///
    /// It is correct unless the environment says that its teachers err.
    func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]?
}

extension TokenEnvironment {
    public static var options: [EnvironmentOption] { [] }
    public var vocabulary: Vocabulary { .standard }
    public var levels: Int { 1 }
    public var rewardNames: [String] { [] }
    public var isTotal: Bool { false }
    public func turn(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Turn { .over }
    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>, draw: UInt64) throws -> Verdict { try verify(task, response) }
    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? { nil }

    /// The text of a response without its stop token.
    public func text(_ response: ArraySlice<Int32>) -> String {
        vocabulary.decode(response.last == vocabulary.stop ? response.dropLast() : response)
    }

    /// The text of a response that ends with the stop token, and has no other; nil: it was cut, or is none.
    public func finishedText(_ response: ArraySlice<Int32>) -> String? {
        response.firstIndex(of: vocabulary.stop) == response.endIndex - 1 ? vocabulary.decode(response.dropLast()) : nil
    }

    /// What `Verdict.answer` may be for an answer that is a text: equal texts have equal numbers, and different ones seldom.
    public func answerKey(_ text: String) -> Int32 { Int32(TaskStream.hash(text) & 0x7fff_ffff) }

    /// A text as a response: followed by the stop token.
    func response(_ text: String) -> [Int32] { vocabulary.tokens(ofOwn: text) + [vocabulary.stop] }
}

/// Why tasks cannot be made, or a response cannot be judged.
public struct TokenTaskError: Remediable, Hashable {
    public let problem: String
    public let place: String
    public let remedy: String

    public init(problem: String, place: String, remedy: String) {
        self.problem = problem
        self.place = place
        self.remedy = remedy
    }
}
