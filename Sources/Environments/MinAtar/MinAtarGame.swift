import Tensors

/// A game of MinAtar (Young & Tian, 2019, "MinAtar: An Atari-inspired testbed for thorough and reproducible reinforcement learning
/// experiments"): five Atari games on a board of 10 × 10 cells.
///
/// An observation is [row, column, plane], one byte that is 0 or 1 for each kind of thing in each cell. Actions are the game's minimal
/// action set, as in Gymnasium's `MinAtar/…-v1`. Given the same random draws a game equals the Python package step for step, but for one
/// thing: there, the action that a sticky action repeats outlives the end of an episode; here every episode starts with `none`, so that it
/// depends on its own stream only.
///
/// A game is its rules: `start`, `act` and `write`. Sticky actions and where random numbers come from are common to all.
public protocol MinAtarGame: Environment where Action == Int32, Scalar == UInt8 {
    /// The planes of an observation.
    static var planes: Int { get }
    /// The action of that index in the minimal action set; `none` for an index outside.
    static func action(_ index: Int32) -> MinAtarAction

    /// What all games have in common.
    var play: MinAtarPlay { get set }

    /// Sets up the board of a new episode.
    mutating func start(_ draws: inout some MinAtarDraws)
    /// Moves everything once; the action is the one that happens, after stickiness.
    mutating func act(_ action: MinAtarAction, _ draws: inout some MinAtarDraws) -> Step
    /// Puts the board into empty planes. It changes nothing; `mutating` lets the compiler read a large board where it is instead of
    /// copying it.
    mutating func write(to board: MinAtarBoard)
}

/// What the player of any game can do; the raw values are the package's action numbers.
public enum MinAtarAction: UInt8, Sendable {
    case none, left, up, right, down, fire
}

/// The run's settings, and what an episode remembers besides the board.
public struct MinAtarPlay: Sendable {
    /// How often an action is replaced by the one before it.
    public var stickyActionProbability = 0.1
    /// Whether a game gets harder as it goes on.
    public var ramping = true
    /// The action that a sticky action repeats.
    var lastAction = MinAtarAction.none
    /// The rest of the episode's random stream.
    var random = RandomKey(seed: 0, purpose: .environment).stream(slot: 0, episode: 0)

    public init() {}
}

/// Where a game's random numbers come from: the episode's stream, or a record of draws that another implementation was given.
public protocol MinAtarDraws {
    /// In [0, 1).
    mutating func uniform() -> Double
    /// One of 0 ..< count, each as likely.
    mutating func integer(below count: Int) -> Int
}

extension RandomStream: MinAtarDraws {
    /// One of 0 ..< count, by the upper half of a product: no number is likelier than another by more than 2⁻⁶⁰.
    @inline(__always)
    public mutating func integer(below count: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(count)).high) }
}

extension MinAtarGame {
    public static var observationSpace: Space { .bytes(shape: [10, 10, planes], high: 1) }
    /// The package has no limit; a run may set one.
    public static var maxEpisodeSteps: Int? { nil }
    public static var options: [EnvironmentOption] {
        [
            EnvironmentOption("sticky_action_probability", 0.1, 0...1, "the share of actions that are replaced by the one before"),
            EnvironmentOption("difficulty_ramping", 1, 0...1, "1: the game gets harder as it goes on, where the game can; 0: it does not"),
        ]
    }

    public mutating func configure(_ options: EnvironmentOptions) {
        play.stickyActionProbability = options["sticky_action_probability"]
        play.ramping = options["difficulty_ramping"] != 0
    }

    public mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<UInt8>) {
        reset(draws: &random, observation: observation)
        play.random = random
    }

    @inline(__always)
    public mutating func step(_ action: Int32, observation: UnsafeMutableBufferPointer<UInt8>) -> Step {
        var random = play.random
        let step = step(action, draws: &random, observation: observation)
        play.random = random
        return step
    }

    /// `reset` with draws from anywhere.
    @inline(__always)
    package mutating func reset(draws: inout some MinAtarDraws, observation: UnsafeMutableBufferPointer<UInt8>) {
        play.lastAction = .none
        start(&draws)
        write(to: MinAtarBoard(clearing: observation, planes: Self.planes))
    }

    /// `step` with draws from anywhere.
    @inline(__always)
    package mutating func step(
        _ action: Int32, draws: inout some MinAtarDraws, observation: UnsafeMutableBufferPointer<UInt8>
    ) -> Step {
        // Drawn even if no action sticks, so that the setting does not shift the episode's other random numbers.
        if draws.uniform() >= play.stickyActionProbability { play.lastAction = Self.action(action) }
        let step = act(play.lastAction, &draws)
        write(to: MinAtarBoard(clearing: observation, planes: Self.planes))
        return step
    }
}
