import CWire

extension MemberStatus {
    fileprivate func message(_ arena: inout Arena) -> Apus__MemberStatus {
        var message = Apus__MemberStatus()
        apus__member_status__init(&message)
        message.role = Apus__Role(rawValue: role.rawValue)
        (message.rank, message.incarnation) = (place.rank, place.incarnation)
        (message.host, message.pid) = (arena.string(host), pid)
        (message.silent_seconds, message.age_seconds) = (silentSeconds, ageSeconds)
        (message.n_gauges, message.gauges) = (gauges.count, arena.messages(gauges) { $0.message(&$1) })
        (message.n_waits, message.waits) = (waits.count, arena.messages(waits) { $0.message(&$1) })
        (message.n_streams, message.streams) = (streams.count, arena.messages(streams) { $0.message(&$1) })
        if let clockAhead {
            var clock = Apus__Clock()
            apus__clock__init(&clock)
            clock.ahead_seconds = clockAhead
            message.clock = arena.message(clock)
        }
        return message
    }

    fileprivate init(_ message: Apus__MemberStatus) throws(WireError) {
        guard let role = Role(rawValue: message.role.rawValue) else {
            throw .invalid(field: "MemberStatus.role", value: "\(message.role.rawValue)", allowed: "1 (actor), 2 (learner)")
        }
        self.init(
            role: role, place: MemberPlace(rank: message.rank, incarnation: message.incarnation), host: text(message.host, limit: 256),
            pid: message.pid, silentSeconds: message.silent_seconds, gauges: elements(message.n_gauges, message.gauges).map(Gauge.init),
            waits: try Wait.list(message.n_waits, message.waits), streams: try StreamProgress.list(message.n_streams, message.streams),
            ageSeconds: message.age_seconds, clockAhead: message.clock.map { $0.pointee.ahead_seconds })
    }
}

extension MembershipEvent {
    fileprivate func message(_ arena: inout Arena) -> Apus__Event {
        var message = Apus__Event()
        apus__event__init(&message)
        message.kind = Apus__EventKind(rawValue: kind.rawValue)
        (message.seconds_ago, message.text, message.count) = (secondsAgo, arena.string(text), count)
        guard let subject else { return message }
        message.role = Apus__Role(rawValue: subject.role.rawValue)
        (message.rank, message.incarnation) = (subject.place.rank, subject.place.incarnation)
        (message.host, message.pid) = (arena.string(subject.host), subject.pid)
        return message
    }

    fileprivate init(_ message: Apus__Event) throws(WireError) {
        guard let kind = Kind(rawValue: message.kind.rawValue) else {
            throw .invalid(field: "Event.kind", value: "\(message.kind.rawValue)", allowed: "1…5")
        }
        var subject: Subject?
        if message.role != APUS__ROLE__ROLE_UNSPECIFIED {
            guard let role = Role(rawValue: message.role.rawValue) else {
                throw .invalid(field: "Event.role", value: "\(message.role.rawValue)", allowed: "0 (nobody), 1 (actor), 2 (learner)")
            }
            subject = Subject(
                role: role, place: MemberPlace(rank: message.rank, incarnation: message.incarnation), host: Wire.text(message.host, limit: 256),
                pid: message.pid)
        }
        self.init(kind, secondsAgo: message.seconds_ago, text: Wire.text(message.text, limit: 1024), count: message.count, subject: subject)
    }
}

extension Status {
    func message(_ arena: inout Arena) -> Apus__Status {
        var message = Apus__Status()
        apus__status__init(&message)
        (message.run, message.run_name, message.run_directory) = (run, arena.string(runName), arena.string(runDirectory))
        (message.age_seconds, message.refused) = (ageSeconds, refused)
        (message.n_members, message.members) = (members.count, arena.messages(members) { $0.message(&$1) })
        (message.n_gauges, message.gauges) = (gauges.count, arena.messages(gauges) { $0.message(&$1) })
        (message.n_events, message.events) = (events.count, arena.messages(events) { $0.message(&$1) })
        if let lastRecord { message.last_record = arena.message(lastRecord.message(&arena)) }
        return message
    }

    init(_ message: Apus__Status) throws(WireError) {
        var members: [MemberStatus] = []
        for one in elements(message.n_members, message.members) { members.append(try MemberStatus(one)) }
        var events: [MembershipEvent] = []
        for one in elements(message.n_events, message.events) { events.append(try MembershipEvent(one)) }
        self.init(
            run: message.run, runName: text(message.run_name, limit: 256), runDirectory: text(message.run_directory),
            ageSeconds: message.age_seconds, members: members,
            lastRecord: try message.last_record.map { pointer throws(WireError) in try Record(pointer.pointee) }, refused: message.refused,
            gauges: elements(message.n_gauges, message.gauges).map(Gauge.init), events: events)
    }
}
