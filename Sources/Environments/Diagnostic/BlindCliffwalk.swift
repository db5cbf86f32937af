import Tensors

/// Walk along a cliff without seeing it: in each of n states one action leads to the next state, and the other one ends the episode with
/// nothing. Behind the last state there is a reward of 1. Which action is right changes from state to state.
///
/// Schaul et al. (2016), "Prioritized experience replay", section 3.1. Random actions reach the reward in 2⁻ⁿ of the episodes, so the few
/// transitions that can be learned from are hidden among many that cannot. Observation: the state, one of 16 numbers is 1.
public struct BlindCliffwalk: Environment {
    public static let id = "BlindCliffwalk-v0"
    public static let summary = "the right action in each of n states, else the end; 16 observations, 2 actions, 1 at the end of the walk"
    public static let observationSpace = Space.box(shape: [16], low: 0, high: 1)
    public static let actionSpace = Space.discrete(2)
    public static let solvedReturn: Float? = 1
    public static let options = [EnvironmentOption("length", 8, 1...16, "n: the states of the walk")]

    private var length = 8
    private var place = 0

    public init() {}

    public mutating func configure(_ options: EnvironmentOptions) { length = Int(options["length"]) }

    public mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        place = 0
        write(to: observation)
    }

    public mutating func step(_ action: Int32, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let isRight = action == Int32(place & 1)
        if isRight { place += 1 }
        let arrived = place == length
        write(to: observation)
        return Step(reward: arrived ? 1 : 0, terminated: !isRight || arrived)
    }

    /// All 0 behind the last state.
    private func write(to observation: UnsafeMutableBufferPointer<Float>) {
        for index in observation.indices { observation[index] = index == place && place < length ? 1 : 0 }
    }
}
