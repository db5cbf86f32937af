import CWire

/// A duration from another process.
private func duration(_ seconds: Double, _ field: String) throws(WireError) -> Double {
    guard seconds >= 0, seconds.isFinite else { throw .invalid(field: field, value: "\(seconds)", allowed: "a finite number from 0") }
    return seconds
}

extension Wait {
    func message(_ arena: inout Arena) -> Apus__Wait {
        var message = Apus__Wait()
        apus__wait__init(&message)
        (message.resource, message.holder, message.seconds) = (arena.string(resource), arena.string(holder), seconds)
        (message.thread, message.deadline_seconds, message.detail) = (arena.string(thread), deadline ?? 0, arena.string(detail))
        return message
    }

    init(_ message: Apus__Wait) throws(WireError) {
        let deadline = try duration(message.deadline_seconds, "Wait.deadline_seconds")
        self.init(
            resource: text(message.resource, limit: 256), holder: text(message.holder, limit: 256),
            seconds: try duration(message.seconds, "Wait.seconds"), thread: text(message.thread, limit: 64),
            deadline: deadline == 0 ? nil : deadline, detail: text(message.detail, limit: 1024))
    }

    static func list(_ count: Int, _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<Apus__Wait>?>?) throws(WireError) -> [Wait] {
        var waits: [Wait] = []
        for one in elements(count, pointers) { waits.append(try Wait(one)) }
        return waits
    }
}

extension StreamProgress {
    func message(_ arena: inout Arena) -> Apus__StreamProgress {
        var message = Apus__StreamProgress()
        apus__stream_progress__init(&message)
        (message.rank, message.incarnation) = (actor.rank, actor.incarnation)
        (message.received, message.acknowledged, message.tickets) = (received, acknowledged, tickets)
        message.silent_seconds = silentSeconds
        return message
    }

    init(_ message: Apus__StreamProgress) throws(WireError) {
        guard message.acknowledged <= message.received else {
            throw .invalid(
                field: "StreamProgress.acknowledged", value: "\(message.acknowledged)", allowed: "at most \(message.received), which have arrived")
        }
        self.init(
            actor: MemberPlace(rank: message.rank, incarnation: message.incarnation), received: message.received,
            acknowledged: message.acknowledged, tickets: message.tickets,
            silentSeconds: try duration(message.silent_seconds, "StreamProgress.silent_seconds"))
    }

    static func list(
        _ count: Int, _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<Apus__StreamProgress>?>?
    ) throws(WireError) -> [StreamProgress] {
        var streams: [StreamProgress] = []
        for one in elements(count, pointers) { streams.append(try StreamProgress(one)) }
        return streams
    }
}

extension Heartbeat {
    func message(_ arena: inout Arena) -> Apus__Heartbeat {
        var message = Apus__Heartbeat()
        apus__heartbeat__init(&message)
        (message.token, message.wall_time) = (token, wallTime ?? 0)
        (message.n_gauges, message.gauges) = (gauges.count, arena.messages(gauges) { $0.message(&$1) })
        (message.n_waits, message.waits) = (waits.count, arena.messages(waits) { $0.message(&$1) })
        (message.n_streams, message.streams) = (streams.count, arena.messages(streams) { $0.message(&$1) })
        return message
    }

    init(_ message: Apus__Heartbeat) throws(WireError) {
        let wallTime = try duration(message.wall_time, "Heartbeat.wall_time")
        self.init(
            token: message.token, gauges: elements(message.n_gauges, message.gauges).map(Gauge.init),
            waits: try Wait.list(message.n_waits, message.waits), wallTime: wallTime == 0 ? nil : wallTime,
            streams: try StreamProgress.list(message.n_streams, message.streams))
    }
}
