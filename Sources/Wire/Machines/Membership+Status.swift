import Platform

extension Membership {
    /// What `apus status` and its like are told.
    public func status(now: Time) -> Status {
        let list = members.values.sorted { ($0.role.rawValue, $0.place) < ($1.role.rawValue, $1.place) }
        var status = Status(
            run: settings.run, runName: settings.runName, runDirectory: settings.runDirectory, ageSeconds: now - started,
            members: list.map {
                var one = MemberStatus(
                    role: $0.role, place: $0.place, host: $0.host, pid: $0.pid, silentSeconds: now - $0.lastHeard, gauges: $0.gauges,
                    waits: $0.waits, streams: $0.streams, ageSeconds: now - $0.joined, clockAhead: $0.clock.seconds)
                one.identity = $0.key?.identity
                return one
            }, lastRecord: records.last, refused: refused, gauges: gauges,
            events: events.told(now: now))
        status.rejected = rejected
        return status
    }
}
