import Tensors

/// One of two cues is shown in the first step; what is done when the question comes, `delay` steps later, must repeat it. Everything between
/// looks the same, so only a memory can do better than ½.
///
/// Observation: cue 0 is shown, cue 1 is shown, the question is asked. Reward 1 for the right answer.
public struct CueRecall: Environment {
    public static let id = "CueRecall-v0"
    public static let summary = "repeat a cue after a delay, by memory; 3 observations, 2 actions, 1 for the right answer"
    public static let observationSpace = Space.box(shape: [3], low: 0, high: 1)
    public static let actionSpace = Space.discrete(2)
    public static let solvedReturn: Float? = 0.95
    public static let options = [EnvironmentOption("delay", 8, 1...1000, "steps between the cue and the question")]

    private var delay = 8
    private var cue: Int32 = 0
    private var step = 0

    public init() {}

    public mutating func configure(_ options: EnvironmentOptions) { delay = Int(options["delay"]) }

    public mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        cue = random.uniform() < 0.5 ? 0 : 1
        step = 0
        observation[0] = cue == 0 ? 1 : 0
        observation[1] = cue == 1 ? 1 : 0
        observation[2] = 0
    }

    public mutating func step(_ action: Int32, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        let isAnswer = step == delay
        step += 1
        (observation[0], observation[1]) = (0, 0)
        observation[2] = step == delay ? 1 : 0
        return Step(reward: isAnswer && action == cue ? 1 : 0, terminated: isAnswer)
    }
}
