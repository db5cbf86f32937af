import Environments
import Glibc
import Tensors

/// Steps that say nothing, until the file is there that `APUS_STANDSTILL` names: then one that never comes back.
struct Standstill: Environment {
    static let id = "Standstill-v0"
    static let summary = "a step that hangs as soon as a file is there"
    static let observationSpace = Space.box(shape: [1], low: 0, high: 1)
    static let actionSpace = Space.discrete(2)
    static let maxEpisodeSteps: Int? = 100

    private static let file = getenv("APUS_STANDSTILL").map { String(cString: $0) }

    func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) { observation[0] = 0 }

    func step(_ action: Int32, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        if let file = Self.file { while access(file, F_OK) == 0 { sleep(1) } }
        observation[0] = 0
        return Step(reward: Float(action), terminated: false)
    }
}
