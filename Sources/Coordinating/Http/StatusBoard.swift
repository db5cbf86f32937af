import Platform
import Wire

/// Where the coordinator's thread and the one that answers http meet: a status is made when somebody asks for one.
final class StatusBoard: Sendable {
    private struct Content {
        var wanted = false
        var status: Status?
        /// When the coordinator's loop turned last.
        var turned: Time
    }

    private let content: Guarded<Content>
    private let wakeUp = WakeUp()

    init(now: Time) { content = Guarded(Content(turned: now)) }

    /// For the coordinator's poll set.
    var descriptor: Int32 { wakeUp.descriptor }

    /// Called in every turn of the coordinator's loop.
    func turn(now: Time, _ status: () -> Status) {
        wakeUp.drain()
        let wanted = content.read {
            $0.turned = now
            return $0.wanted
        }
        guard wanted else { return }
        let status = status()
        content.update {
            $0.status = status
            $0.wanted = false
        }
    }

    /// How long the coordinator's loop has stood still, in seconds.
    func standstill(now: Time) -> Double { content.read { now - $0.turned } }

    /// A new status; nil when the coordinator makes none within `seconds`.
    func status(within seconds: Double) -> Status? {
        content.read {
            $0.status = nil
            $0.wanted = true
        }
        wakeUp.signal()
        return content.wait(until: .now + seconds) { $0.status }
    }
}
