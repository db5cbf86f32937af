import CWire
import Platform

extension ControlMessage {
    /// The single frame that carries this message.
    public func encoded() -> [UInt8] {
        var arena = Arena()
        var control = Apus__Control()
        apus__control__init(&control)
        switch self {
        case .hello(let hello):
            control.body_case = APUS__CONTROL__BODY_HELLO
            control.hello = arena.message(hello.message(&arena))
        case .welcome(let welcome):
            control.body_case = APUS__CONTROL__BODY_WELCOME
            control.welcome = arena.message(welcome.message(&arena))
        case .refusal(let refusal):
            control.body_case = APUS__CONTROL__BODY_REFUSAL
            control.refusal = arena.message(refusal.message(&arena))
        case .heartbeat(let heartbeat):
            control.body_case = APUS__CONTROL__BODY_HEARTBEAT
            control.heartbeat = arena.message(heartbeat.message(&arena))
        case .heartbeatReply(let run):
            control.body_case = APUS__CONTROL__BODY_HEARTBEAT_REPLY
            var message = Apus__HeartbeatReply()
            apus__heartbeat_reply__init(&message)
            message.run = run
            control.heartbeat_reply = arena.message(message)
        case .learnerLocation(let location):
            control.body_case = APUS__CONTROL__BODY_LEARNER_LOCATION
            control.learner_location = arena.message(location.message(&arena))
        case .record(let record):
            control.body_case = APUS__CONTROL__BODY_RECORD
            control.record = arena.message(record.message(&arena))
        case .recordKept(let through):
            control.body_case = APUS__CONTROL__BODY_RECORD_KEPT
            var message = Apus__RecordKept()
            apus__record_kept__init(&message)
            message.through = through
            control.record_kept = arena.message(message)
        case .departed(let rank, let incarnation, let cause, let ended):
            control.body_case = APUS__CONTROL__BODY_DEPARTED
            var message = Apus__Departed()
            apus__departed__init(&message)
            (message.rank, message.incarnation, message.cause) = (rank, incarnation, arena.string(cause))
            message.ended = ended ? 1 : 0
            control.departed = arena.message(message)
        case .stop(let reason):
            control.body_case = APUS__CONTROL__BODY_STOP
            var message = Apus__Stop()
            apus__stop__init(&message)
            message.reason = arena.string(reason)
            control.stop = arena.message(message)
        case .goodbye(let token, let reason):
            control.body_case = APUS__CONTROL__BODY_GOODBYE
            var message = Apus__Goodbye()
            apus__goodbye__init(&message)
            (message.token, message.reason) = (token, arena.string(reason))
            control.goodbye = arena.message(message)
        case .statusRequest(let version):
            control.body_case = APUS__CONTROL__BODY_STATUS_REQUEST
            var message = Apus__StatusRequest()
            apus__status_request__init(&message)
            message.protocol = version
            control.status_request = arena.message(message)
        case .adjust(let version, let maxLag):
            control.body_case = APUS__CONTROL__BODY_ADJUST
            var message = Apus__Adjust()
            apus__adjust__init(&message)
            (message.protocol, message.max_lag) = (version, maxLag)
            control.adjust = arena.message(message)
        case .allowList(let list):
            control.body_case = APUS__CONTROL__BODY_ALLOW_LIST
            control.allow_list = arena.message(list.message(&arena))
        case .status(let status):
            control.body_case = APUS__CONTROL__BODY_STATUS
            control.status = arena.message(status.message(&arena))
        }
        return withUnsafeMutablePointer(to: &control) { pack($0) }
    }

    /// - Parameter limit: how long it may be; whoever has asked a coordinator for the status gives it `WireProtocol.maximumStatusBytes`.
    public init(decoding bytes: SharedBytes, limit: Int = WireProtocol.maximumMessageBytes) throws(WireError) {
        self = try unpack(bytes, "Control", limit: limit, { apus__control__unpack($0, $1, $2) }) { control throws(WireError) in
            switch control.body_case {
            case APUS__CONTROL__BODY_HELLO: .hello(try Hello(control.hello.pointee))
            case APUS__CONTROL__BODY_WELCOME: .welcome(try Welcome(control.welcome.pointee))
            case APUS__CONTROL__BODY_REFUSAL: .refusal(try Refusal(control.refusal.pointee))
            case APUS__CONTROL__BODY_HEARTBEAT:
                .heartbeat(try Heartbeat(control.heartbeat.pointee))
            case APUS__CONTROL__BODY_HEARTBEAT_REPLY: .heartbeatReply(run: control.heartbeat_reply.pointee.run)
            case APUS__CONTROL__BODY_LEARNER_LOCATION: .learnerLocation(try LearnerLocation(control.learner_location.pointee))
            case APUS__CONTROL__BODY_RECORD: .record(try Record(control.record.pointee))
            case APUS__CONTROL__BODY_RECORD_KEPT: .recordKept(through: control.record_kept.pointee.through)
            case APUS__CONTROL__BODY_DEPARTED:
                .departed(
                    rank: control.departed.pointee.rank, incarnation: control.departed.pointee.incarnation,
                    cause: text(control.departed.pointee.cause), ended: control.departed.pointee.ended != 0)
            case APUS__CONTROL__BODY_STOP: .stop(reason: text(control.stop.pointee.reason))
            case APUS__CONTROL__BODY_GOODBYE: .goodbye(token: control.goodbye.pointee.token, reason: text(control.goodbye.pointee.reason))
            case APUS__CONTROL__BODY_STATUS_REQUEST: .statusRequest(protocol: control.status_request.pointee.protocol)
            case APUS__CONTROL__BODY_ADJUST:
                .adjust(protocol: control.adjust.pointee.protocol, maxLag: try adjustedLag(control.adjust.pointee.max_lag))
            case APUS__CONTROL__BODY_ALLOW_LIST: .allowList(try AllowList(control.allow_list.pointee))
            case APUS__CONTROL__BODY_STATUS: .status(try Status(control.status.pointee))
            default: throw .missing(field: "Control.body")
            }
        }
    }
}

private func adjustedLag(_ maxLag: UInt64) throws(WireError) -> UInt64 {
    guard maxLag <= 1 << 53 else { throw .invalid(field: "Adjust.max_lag", value: "\(maxLag)", allowed: "0…2^53") }
    return maxLag
}

extension Hello {
    fileprivate func message(_ arena: inout Arena) -> Apus__Hello {
        var message = Apus__Hello()
        apus__hello__init(&message)
        message.protocol = self.protocol
        message.role = Apus__Role(rawValue: role.rawValue)
        message.token = token
        message.host = arena.string(host)
        message.pid = pid
        message.returning = returning == nil ? 0 : 1
        message.rank = returning?.rank ?? 0
        message.incarnation = returning?.incarnation ?? 0
        if let learner { message.learner = arena.message(learner.message(&arena)) }
        return message
    }

    fileprivate init(_ message: Apus__Hello) throws(WireError) {
        // A peer of another protocol may use other roles: its number must get through to be refused by name.
        let role = Role(rawValue: message.role.rawValue)
        guard role != nil || message.protocol != WireProtocol.version else {
            throw .invalid(field: "Hello.role", value: "\(message.role.rawValue)", allowed: "1 (actor), 2 (learner)")
        }
        self.init(
            role: role ?? .actor, token: message.token, host: text(message.host, limit: 256), pid: message.pid,
            returning: message.returning == 0 ? nil : MemberPlace(rank: message.rank, incarnation: message.incarnation),
            learner: try message.learner.map { pointer throws(WireError) in try LearnerLocation(pointer.pointee) })
        self.protocol = message.protocol
    }
}

extension Welcome {
    fileprivate func message(_ arena: inout Arena) -> Apus__Welcome {
        var message = Apus__Welcome()
        apus__welcome__init(&message)
        message.run = run
        message.run_name = arena.string(runName)
        message.rank = place.rank
        message.incarnation = place.incarnation
        message.heartbeat_seconds = heartbeatSeconds
        message.run_file = arena.string(runFile)
        if let actor {
            message.actor = arena.message(actor.message(&arena))
        }
        return message
    }

    fileprivate init(_ message: Apus__Welcome) throws(WireError) {
        guard message.heartbeat_seconds > 0, message.heartbeat_seconds <= 3600 else {
            throw .invalid(field: "Welcome.heartbeat_seconds", value: "\(message.heartbeat_seconds)", allowed: "0 < seconds ≤ 3600")
        }
        let name = text(message.run_name, limit: 256)
        // It becomes the name of a folder.
        guard !["", ".", ".."].contains(name), !name.contains("/") else {
            throw .invalid(field: "Welcome.run_name", value: "\"\(name)\"", allowed: "a name without /")
        }
        self.init(
            run: message.run, runName: name,
            place: MemberPlace(rank: message.rank, incarnation: message.incarnation), heartbeatSeconds: message.heartbeat_seconds,
            runFile: text(message.run_file, limit: WireProtocol.maximumMessageBytes),
            actor: try message.actor.map { pointer throws(WireError) in try ActorAssignment(pointer.pointee) })
    }
}

extension Refusal {
    func message(_ arena: inout Arena) -> Apus__Refusal {
        var message = Apus__Refusal()
        apus__refusal__init(&message)
        message.code = Apus__RefusalCode(rawValue: code.rawValue)
        message.problem = arena.string(problem)
        message.remedy = arena.string(remedy)
        message.protocol = self.protocol
        return message
    }

    init(_ message: Apus__Refusal) throws(WireError) {
        guard let code = RefusalCode(rawValue: message.code.rawValue) else {
            throw .invalid(field: "Refusal.code", value: "\(message.code.rawValue)", allowed: "1…8")
        }
        self.init(code, problem: text(message.problem), remedy: text(message.remedy))
        self.protocol = message.protocol
    }
}

extension Gauge {
    func message(_ arena: inout Arena) -> Apus__Gauge {
        var message = Apus__Gauge()
        apus__gauge__init(&message)
        (message.name, message.value) = (arena.string(name), value)
        return message
    }
    init(_ message: Apus__Gauge) { self.init(text(message.name, limit: 256), message.value) }
}

extension LearnerLocation {
    fileprivate func message(_ arena: inout Arena) -> Apus__LearnerLocation {
        var message = Apus__LearnerLocation()
        apus__learner_location__init(&message)
        (message.rollouts, message.weights, message.life) = (arena.string(rollouts), arena.string(weights), life)
        message.key = arena.string(key?.z85 ?? "")
        return message
    }
    fileprivate init(_ message: Apus__LearnerLocation) throws(WireError) {
        self.init(rollouts: text(message.rollouts, limit: 256), weights: text(message.weights, limit: 256), life: message.life)
        let proven = text(message.key, limit: 64)
        if !proven.isEmpty { key = try publicKey(proven, "LearnerLocation.key") }
        guard !rollouts.isEmpty, !weights.isEmpty else { throw .missing(field: "LearnerLocation.rollouts or .weights") }
    }
}

extension Record {
    func message(_ arena: inout Arena) -> Apus__Record {
        var message = Apus__Record()
        apus__record__init(&message)
        (message.sequence, message.time, message.version, message.frames) = (sequence, time, version, frames)
        (message.n_scalars, message.scalars) = (scalars.count, arena.messages(scalars) { $0.message(&$1) })
        if let outcome {
            var end = Apus__Outcome()
            apus__outcome__init(&end)
            (end.solved, end.reason) = (outcome.solved ? 1 : 0, arena.string(outcome.reason))
            message.outcome = arena.message(end)
        }
        return message
    }
    init(_ message: Apus__Record) throws(WireError) {
        // Records are told apart by their time.
        guard message.time.isFinite else { throw .invalid(field: "Record.time", value: "\(message.time)", allowed: "a finite number") }
        self.init(
            sequence: message.sequence, time: message.time, version: message.version, frames: message.frames,
            scalars: elements(message.n_scalars, message.scalars).map(Gauge.init),
            outcome: message.outcome.map { Outcome(solved: $0.pointee.solved != 0, reason: text($0.pointee.reason)) })
    }
}
