import Environments
import Glibc
import Platform
import Testing

/// Does what the response's first token says: 1 answers, 2 throws, 3 hangs until `released`, 4 throws an error of its own.
struct Moody: TokenEnvironment {
    static let id = "moody"
    static let summary = "hangs"
    static let released = Guarded(false)
    struct Mood: Error {}

    var isTotal = false
    init(_ options: EnvironmentOptions) {}
    init(isTotal: Bool = false) { self.isTotal = isTotal }
    var taskCount: UInt32 { 1 }
    var longestPrompt: Int { 1 }
    var longestResponse: Int { 2 }
    func task(_ id: UInt32) -> TokenTask { TokenTask(id: id, prompt: [1]) }
    func heldOutTask(_ id: UInt32) -> TokenTask { task(id) }

    func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict {
        switch response.first {
        case 2: throw TokenTaskError(problem: "said no", place: "here", remedy: "None.")
        case 3: _ = Moody.released.wait(until: .now + 60) { $0 ? true : nil }
        case 4: throw Mood()
        default: break
        }
        return Verdict(reward: Float(pthread_self() & 0xffff), isCorrect: true)
    }
    func turn(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Turn {
        _ = try verify(task, response)
        return .reply([9])
    }
}

@Suite(.serialized) struct VerifierDeskTests {
    private let task = TokenTask(id: 12, prompt: [1])

    private func isAnswered<Answer>(_ verification: Verification<Answer>) -> Bool { if case .answered = verification { true } else { false } }
    private func cause<Answer>(_ verification: Verification<Answer>) -> TokenTaskError? { if case .unverified(let cause) = verification { cause } else { nil } }

    @Test func totalEnvironmentsAreAskedOnTheCallersThread() throws {
        guard case .answered(let verdict) = try VerifierDesk(Moody(isTotal: true)).verify(task, [1]) else {
            Issue.record("unverified")
            return
        }
        #expect(verdict.reward == Float(pthread_self() & 0xffff))
        #expect(cause(try VerifierDesk(Moody(isTotal: true)).verify(task, [2]))?.problem == "said no")
    }

    @Test func errorsAreCauses() throws {
        let desk = VerifierDesk(Moody())
        #expect(isAnswered(try desk.verify(task, [1])))
        #expect(isAnswered(try desk.turn(task, [1])))
        #expect(cause(try desk.verify(task, [2]))?.problem == "said no")
        #expect(cause(try desk.verify(task, [4]))?.problem == "the verifier of moody failed: Mood()")
        #expect(cause(try desk.turn(task, [2]))?.problem == "said no")
        #expect(isAnswered(try desk.verify(task, [1])))
    }

    @Test func hangsAreLeftAloneUpToABound() throws {
        Moody.released.update { $0 = false }
        let desk = VerifierDesk(Moody(), deadline: 0.05, mostHung: 3)
        for _ in 0..<3 {
            let start = Time.now
            let cause = cause(try desk.verify(task, [3]))
            #expect(cause?.problem == "the verifier of moody has not answered in 0.05 s" && cause?.place == "task 12")
            #expect((0.04..<2).contains(Time.now - start))
        }
        let refused = #expect(throws: TokenTaskError.self) { try desk.verify(task, [1]) }
        #expect(refused?.problem == "3 threads hang in the verifier of moody")
        // Threads that come back count no longer.
        Moody.released.update { $0 = true }
        let deadline = Time.now + 10
        while Time.now < deadline, (try? desk.verify(task, [1])) == nil { usleep(1000) }
        #expect(isAnswered(try desk.verify(task, [1])))
    }

    @Test func aHangDoesNotHoldUpTheNext() throws {
        Moody.released.update { $0 = false }
        defer { Moody.released.update { $0 = true } }
        let desk = VerifierDesk(Moody(), deadline: 0.05)
        #expect(!isAnswered(try desk.turn(task, [3])))
        #expect(isAnswered(try desk.verify(task, [1])))
    }

    @Test func manyThreadsMayAsk() throws {
        let desk = VerifierDesk(Moody(), deadline: 10)
        let answered = Guarded(0)
        let threads = (0..<4).map { _ in
            WorkThread("asks") { [desk, task] in
                for _ in 0..<500 { if case .answered? = try? desk.verify(task, [1]) { answered.update { $0 += 1 } } }
            }
        }
        threads.forEach { $0.join() }
        #expect(answered.read { $0 } == 2000)
    }
}
