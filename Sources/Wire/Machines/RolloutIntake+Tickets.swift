import DequeModule
import Platform

/// The order in which rollouts are to be consumed, over all actors: tickets, who may act now, and what is told to whom.
extension RolloutIntake {
    /// So many rollouts may be acted, under way, queued and being trained on: the last of them is then consumed `maxLag` updates from now.
    private var window: Int {
        let (window, isLarger) = settings.rolloutsPerUpdate.multipliedReportingOverflow(by: settings.maxLag + 1)
        return isLarger ? .max : window
    }

    /// One rollout of so many may be too old without tickets having to be told anew.
    private static let expectedWaste = 6

    /// Gives these actors what they have places free for, and lets those act whose turn it is then.
    mutating func replenish(_ places: [MemberPlace]) -> [Action] {
        guard stopping == nil else { return [] }
        let grants: [Action] = places.compactMap { place in
            let stream = streams[place]!
            let free = credits - stream.open
            guard let peer = stream.peer, free > 0 else { return nil }
            return .send(peer, .grant(grant(to: place, tickets: free)))
        }
        let (weights, revisions) = release()
        // Weights travel on another connection: what a ticket asks for should not come after it. A revision means the tickets given before it.
        return weights + grants + revisions
    }

    /// Makes tickets due as long as the window has places.
    mutating func release() -> (weights: [Action], revisions: [Action]) {
        var weights: [Action] = []
        var late: [MemberPlace] = []
        while due < window, let (number, place) = later.popFirst() {
            guard let index = streams[place]?.tickets.firstIndex(where: { $0.number == number }) else { continue }
            // Fewer rollouts were consumed than was thought when it was given: without being told, the actor would wait for a version that
            // perhaps only its own rollout can bring about.
            let isLate = streams[place]!.tickets[index].minimum > version
            if isLate, !late.contains(place) { late.append(place) }
            let told = isLate ? version : streams[place]!.tickets[index].minimum
            change(place) { $0.tickets[index] = Ticket(number: number, minimum: told, isDue: true) }
            weights += self.weights(for: place)
        }
        return (weights, late.compactMap { revision($0) })
    }

    private func revision(_ place: MemberPlace) -> Action? {
        guard let stream = streams[place], let peer = stream.peer else { return nil }
        return .send(
            peer,
            .grant(
                Grant(
                    life: settings.life, acknowledgedThrough: stream.acknowledged, tickets: stream.tickets.map(\.minimum), kind: .revises,
                    version: version)))
    }

    /// The newest version, for an actor that may act with it and was not sent it.
    mutating func weights(for place: MemberPlace) -> [Action] {
        guard let stream = streams[place], stream.peer != nil, stream.sent != version, let ticket = stream.tickets.first, ticket.minimum <= version else {
            return []
        }
        streams[place]!.sent = version
        return [.weights(place)]
    }

    mutating func grant(to place: MemberPlace, tickets count: Int) -> Grant {
        let tickets = (0..<count).map { index in
            lastTicket += 1
            later.append((lastTicket, place))
            return Ticket(number: lastTicket, minimum: minimumVersion(ahead: open + index, slack: isAddressed), isDue: false)
        }
        change(place) { $0.tickets += tickets }
        // What actors come and go with is not kept for ever.
        if later.count > 2 * open + 1024 {
            later = Deque(later.filter { ticket, place in streams[place]!.tickets.contains { $0.number == ticket } })
        }
        return Grant(
            life: settings.life, acknowledgedThrough: streams[place]!.acknowledged, tickets: tickets.map(\.minimum), version: version)
    }

    /// The version that a rollout must be acted by at least, when `ahead` others are consumed before it.
    ///
    /// It will be consumed when the learner is at version + ahead / rolloutsPerUpdate; the difference must not exceed `maxLag`. Rollouts that turn
    /// out to be too old make it earlier than that: where an actor acts only once it is sent weights, which is when its ticket is due, it can be
    /// told a version before that (`slack`), and need not be told again.
    private func minimumVersion(ahead: Int, slack: Bool = false) -> UInt64 {
        func minimum(_ ahead: Int) -> UInt64 {
            let consumed = version + UInt64(ahead / settings.rolloutsPerUpdate)
            return consumed - min(consumed, UInt64(settings.maxLag))
        }
        let exact = minimum(ahead)
        guard slack, exact > version else { return exact }
        return max(minimum(ahead - ahead / Self.expectedWaste), version + 1)
    }

    /// Plans all tickets anew.
    mutating func revise() -> [Action] {
        guard stopping == nil else { return [] }
        var ahead = streams.values.reduce(0) { $0 + $1.arrived }
        due = ahead
        later = []
        var revised: [MemberPlace: [Ticket]] = [:]
        let inOrder = streams.flatMap { place, stream in stream.tickets.map { (ticket: $0.number, place: place) } }
            .sorted { ($0.ticket, $0.place) < ($1.ticket, $1.place) }
        for (number, place) in inOrder {
            let isDue = ahead < window
            due += isDue ? 1 : 0
            if !isDue { later.append((number, place)) }
            revised[place, default: []].append(Ticket(number: number, minimum: minimumVersion(ahead: ahead), isDue: isDue))
            ahead += 1
        }
        return revised.sorted { $0.key < $1.key }.flatMap { place, tickets -> [Action] in
            let isChanged = tickets.map(\.minimum) != streams[place]!.tickets.map(\.minimum)
            streams[place]!.tickets = tickets
            return weights(for: place) + (isChanged ? revision(place).map { [$0] } ?? [] : [])
        }
    }
}
