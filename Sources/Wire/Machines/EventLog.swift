import Platform

/// What happened to the membership last, for the status.
struct EventLog: Sendable {
    /// Oldest first, with the time of each.
    private var events: [(time: Time, event: MembershipEvent)] = []

    /// Keeps an event. A stranger that is refused again and again takes one place.
    mutating func note(_ kind: MembershipEvent.Kind, _ text: String, of subject: MembershipEvent.Subject?, _ now: Time) {
        var event = MembershipEvent(kind, secondsAgo: 0, text: text, subject: subject)
        if kind == .refused, let index = events.lastIndex(where: { $0.event.kind == .refused && $0.event.text == text }) {
            event.count = events.remove(at: index).event.count &+ 1
        } else if events.count == Membership.eventsKept {
            // Refusals go first: who takes part is worth more than who does not.
            events.remove(at: events.firstIndex { $0.event.kind == .refused } ?? 0)
        }
        events.append((now, event))
    }

    func told(now: Time) -> [MembershipEvent] {
        events.map { time, event in
            var event = event
            event.secondsAgo = now - time
            return event
        }
    }
}

extension Membership {
    /// How many events the status tells.
    package static let eventsKept = 64
}
