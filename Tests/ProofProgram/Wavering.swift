import Environments
import Glibc
import Platform

/// Responses that begin with an "a" are right. In every process the verifier raises on the tenth response that it is asked about, never comes
/// back from the hundredth, and judges all others; or it raises on all.
struct Wavering: TokenEnvironment {
    static let id = "wavering"
    static let summary = "a verifier that raises and hangs"
    static let options = [EnvironmentOption("raises", 0, 0...1, "1: on every response")]

    struct Doubt: Error {}
    private static let asked = Guarded(0)

    private let raises: Bool
    private let right: Int32

    init(_ options: EnvironmentOptions) throws {
        raises = options["raises"] > 0
        right = try Vocabulary.standard.encode("a")[0]
    }

    var taskCount: UInt32 { 1 }
    var longestPrompt: Int { 1 }
    var longestResponse: Int { 4 }
    func task(_ id: UInt32) -> TokenTask { TokenTask(id: id, prompt: [right]) }
    func heldOutTask(_ id: UInt32) -> TokenTask { task(id) }

    func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict {
        let number = Self.asked.update { asked in
            asked += 1
            return asked
        }
        if raises || number == 10 { throw Doubt() }
        if number == 100 { while true { sleep(60) } }
        return Verdict(reward: response.first == right ? 1 : 0, isCorrect: response.first == right)
    }
}
