import Platform
import Wire

/// What the learner tells the coordinator of itself.
extension LearnerSockets {
    func heartbeat(_ now: Time, _ records: (count: Int, oldest: Double?)) -> Heartbeat {
        let going = waits.going
        return desk.read { desk in
            let state = desk.meter.state(now: now)
            let counts = [
                Gauge("version", Double(desk.version)), Gauge("queued_rollouts", Double(desk.queue.count)),
                Gauge("open_rollouts", Double(intake?.open ?? 0)), Gauge("actors", Double(intake?.actors ?? 0)),
                Gauge("duplicates", Double(intake?.duplicates ?? 0)), Gauge("refused", Double(intake?.refused ?? 0)),
                Gauge("rollouts_per_update", Double(desk.rolloutsNeeded)), Gauge("credits", Double(intake?.credits ?? desk.credits)),
                Gauge("busy_seconds", state.name == ShareMeter.busy ? state.seconds : 0),
                Gauge("waiting_records", Double(records.count)), Gauge("bytes_received", Double(desk.bytesReceived)),
                Gauge("refused_keys", Double(door?.rejections.total ?? 0)), Gauge("dropped_messages", Double(budget.dropped)),
                Gauge("refused_handshakes", Double((streams?.refusedHandshakes ?? 0) + (weights?.refusedHandshakes ?? 0))),
            ]
            return Heartbeat(
                token: 0, gauges: desk.gauges + counts, waits: waits(desk, state, going, records, now), wallTime: Time.wall,
                streams: intake?.progress(now: now) ?? [])
        }
    }

    /// Whom this process waits for, thread by thread.
    private func waits(
        _ desk: LearnerDesk, _ state: (name: String, seconds: Double), _ going: [WaitRegister.Entry], _ records: (count: Int, oldest: Double?),
        _ now: Time
    ) -> [Wait] {
        var waits = going.map { Wait($0, now: now) }
        if state.name != ShareMeter.busy {
            let obstacle = desk.obstacle
            waits.append(
                Wait(
                    resource: obstacle.resource, holder: obstacle.holder, seconds: state.seconds, thread: "training",
                    deadline: LearnerLoop.reportInterval))
        }
        if let limited = desk.limited, now - limited.since >= Self.longLimit {
            waits.append(
                Wait(
                    resource: "replayed batches", holder: "replay limiter", seconds: now - limited.since, thread: "training", detail: limited.why))
        }
        if let oldest = records.oldest, Time.wall - oldest >= Self.longRecord {
            waits.append(
                Wait(
                    resource: "receipts for \(records.count) records", holder: "coordinator", seconds: Time.wall - oldest,
                    thread: "sockets"))
        }
        return waits
    }

    /// What lasts shorter than this is how it goes, in seconds.
    private static let longLimit = 1.0
    private static let longRecord = 1.0
}
