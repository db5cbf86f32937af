import Apus

/// Walk from a random cell of a 5 × 5 grid to the goal in the middle. Observation: the way that is left, in x and y, in cells / 4. Actions: right,
/// up, left, down; a step into the wall stays. Reward −0.1 a step and 1 at the goal, which ends the episode.
struct GridWorld: Environment {
    static let id = "GridWorld-v0"
    static let summary = "walk to the middle of a 5 × 5 grid; 2 observations, 4 actions"
    static let observationSpace = Space.box(shape: [2], low: -1, high: 1)
    static let actionSpace = Space.discrete(4)
    static let maxEpisodeSteps: Int? = 50
    static let options = [EnvironmentOption("slippery", 0, 0...1, "the probability that a step goes in a random direction")]

    private var x = 0
    private var y = 0
    private var slippery = 0.0
    private var random = RandomKey(seed: 0, purpose: .environment).stream(slot: 0, episode: 0)

    mutating func configure(_ options: EnvironmentOptions) { slippery = options["slippery"] }

    mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        repeat {
            x = Int(random.uniform() * 5)
            y = Int(random.uniform() * 5)
        } while x == 2 && y == 2
        self.random = random
        write(to: observation)
    }

    mutating func step(_ action: Int32, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let direction = slippery > 0 && random.uniform() < slippery ? Int(random.uniform() * 4) : Int(action)
        x = min(max(x + [1, 0, -1, 0][direction], 0), 4)
        y = min(max(y + [0, 1, 0, -1][direction], 0), 4)
        write(to: observation)
        let arrived = x == 2 && y == 2
        return Step(reward: arrived ? 1 : -0.1, terminated: arrived)
    }

    private func write(to observation: UnsafeMutableBufferPointer<Float>) {
        observation[0] = Float(2 - x) / 4
        observation[1] = Float(2 - y) / 4
    }
}
