import Glibc
import Platform

/// What came of asking a verifier.
public enum Verification<Answer: Sendable>: Sendable {
    case answered(Answer)
    /// It threw, or did not answer in time.
    case unverified(TokenTaskError)
}

/// Asks an environment's verifier, and does not wait for it longer than a deadline.
///
/// Environments that are total are asked on the caller's thread. Others are asked on a thread of the desk. One that hangs cannot be ended:
/// it is left alone, and another thread takes its place, up to a bound; a thread that comes back after all counts no longer.
/// Any number of threads may ask at once.
public final class VerifierDesk: Sendable {
    /// One thread, and what it is asked to do.
    private final class Worker: Sendable {
        enum Job {
            case idle, asked(@Sendable () -> Void), ended
        }
        let job = Guarded(Job.idle)
    }
    private struct Threads {
        var idle: [Worker] = []
        var hung = 0
    }
    private enum Outcome<Answer: Sendable> {
        case pending
        case came(Result<Answer, any Error>)
        /// The caller waits no longer.
        case left
    }

    private let environment: any TokenEnvironment
    private let deadline: Double
    private let mostHung: Int
    private let threads = Guarded(Threads())

    /// - Parameters:
    ///   - deadline: in seconds, for each question.
    ///   - mostHung: with so many threads that hang at once the next question is refused.
    public init(_ environment: any TokenEnvironment, deadline: Double = 1, mostHung: Int = 8) {
        precondition(deadline > 0 && mostHung > 0, "a deadline of \(deadline) s and \(mostHung) threads")
        (self.environment, self.deadline, self.mostHung) = (environment, deadline, mostHung)
    }

    deinit { threads.update { $0.idle.forEach { $0.job.update { $0 = .ended } } } }

    /// - Throws: `TokenTaskError` when too many threads hang.
    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>, draw: UInt64 = 0) throws -> Verification<Verdict> {
        try ask(task) { try $0.verify(task, response, draw: draw) }
    }

    /// - Throws: `TokenTaskError` when too many threads hang.
    public func turn(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verification<Turn> { try ask(task) { try $0.turn(task, response) } }

    private func ask<Answer: Sendable>(
        _ task: TokenTask, _ question: @escaping @Sendable (any TokenEnvironment) throws -> Answer
    ) throws -> Verification<Answer> {
        if environment.isTotal { return verification(Result { try question(environment) }, task) }
        let worker = try takeWorker()
        let outcome = Guarded(Outcome<Answer>.pending)
        worker.job.update {
            $0 = .asked { [environment, threads] in
                let answer = Result { try question(environment) }
                let wasLeft = outcome.update {
                    if case .left = $0 { return true }
                    $0 = .came(answer)
                    return false
                }
                guard wasLeft else { return }
                threads.update { $0.hung -= 1 }
                worker.job.update { $0 = .ended }
            }
        }
        let answer = outcome.wait(until: .now + deadline) { if case .came(let answer) = $0 { answer } else { nil } }
        guard let answer = answer ?? leave(outcome) else {
            return .unverified(
                TokenTaskError(
                    problem: "the verifier of \(id) has not answered in \(deadline) s", place: "task \(task.id)",
                    remedy: "Bound its work, or give it more time."))
        }
        threads.update { $0.idle.append(worker) }
        return verification(answer, task)
    }

    private var id: String { type(of: environment).id }

    /// Waits no longer, unless the answer has come in this moment.
    private func leave<Answer>(_ outcome: Guarded<Outcome<Answer>>) -> Result<Answer, any Error>? {
        outcome.update { outcome in
            if case .came(let answer) = outcome { return answer }
            outcome = .left
            threads.update { $0.hung += 1 }
            return nil
        }
    }

    private func verification<Answer>(_ answer: Result<Answer, any Error>, _ task: TokenTask) -> Verification<Answer> {
        switch answer {
        case .success(let answer): .answered(answer)
        case .failure(let error as TokenTaskError): .unverified(error)
        case .failure(let error):
            .unverified(
                TokenTaskError(problem: "the verifier of \(id) failed: \(error)", place: "task \(task.id)", remedy: "Make it judge every response."))
        }
    }

    private func takeWorker() throws -> Worker {
        let idle: Worker? = try threads.update {
            guard $0.hung < mostHung else {
                throw TokenTaskError(
                    problem: "\($0.hung) threads hang in the verifier of \(id)", place: "environment.id \(id)",
                    remedy: "Bound the verifier's work: each of these responses took more than \(deadline) s.")
            }
            return $0.idle.popLast()
        }
        if let idle { return idle }
        let worker = Worker()
        _ = WorkThread("verifier", stackMegabytes: 8) {
            // Nobody can wait for the end of a thread that may hang.
            pthread_detach(pthread_self())
            while true {
                let job: (@Sendable () -> Void)? = worker.job.wait(until: Time(nanoseconds: .max)) {
                    switch $0 {
                    case .idle: return nil
                    case .ended: return .some(nil)
                    case .asked(let job):
                        $0 = .idle
                        return job
                    }
                } ?? nil
                guard let job else { return }
                job()
            }
        }
        return worker
    }
}
