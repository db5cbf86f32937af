import Coordinating
import Platform
import Runs
import Wire

/// Asks the coordinator again and again on a thread of its own, so that keys are answered while it is silent.
final class WatchFeed: Sendable {
    enum News: Sendable {
        case answer(Status, Explanation)
        /// Nobody answered, and why that may be.
        case silence(Explanation)
    }

    private struct Content {
        var news: News?
        var count = 0
        var failure: (any Error)?
        var done = false
    }

    private let content = Guarded(Content())
    private let thread: WorkThread

    private static let interval = 0.25
    private static let patience = 1.0

    init(_ coordinator: Endpoint, directory: RunDirectory?) {
        thread = WorkThread("watch") { [content] in
            do {
                let client = try StatusClient(coordinator: coordinator, context: SocketContext())
                while !content.read({ $0.done }) {
                    let news = try Self.ask(client, coordinator, directory)
                    content.update {
                        $0.news = news
                        $0.count += 1
                    }
                    _ = content.wait(until: .now + Self.interval) { $0.done ? true : nil }
                }
            } catch {
                content.update { $0.failure = error }
            }
        }
    }

    private static func ask(_ client: StatusClient, _ coordinator: Endpoint, _ directory: RunDirectory?) throws -> News {
        let status = try client.requestUnlessSilent(timeout: patience)
        // Not the ledger itself, which grows with the run: the learner tells what is in it.
        var evidence = Evidence.gather(address: coordinator.description, status: status, patience: patience, directory: nil)
        if let directory { evidence.look(at: directory) }
        let why = Diagnosis(evidence).answer
        return status.map { .answer($0, why) } ?? .silence(why)
    }

    /// What is new since `count`.
    func news(since count: inout Int) throws -> News? {
        let (news, number, failure) = content.read { ($0.news, $0.count, $0.failure) }
        if let failure { throw failure }
        guard number > count else { return nil }
        count = number
        return news
    }

    func end() {
        content.update { $0.done = true }
        thread.join()
    }
}
