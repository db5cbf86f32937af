import CWire
import Platform
import Wire

extension FromWorker {
    /// The frame.
    public func encoded() -> [UInt8] {
        var arena = Arena()
        var message = Apus__Worker__FromWorker()
        apus__worker__from_worker__init(&message)
        switch self {
        case .hello(let hello):
            message.body_case = APUS__WORKER__FROM_WORKER__BODY_HELLO
            let body = hello.message(&arena)
            message.hello = arena.message(body)
        case .opened(let opened):
            message.body_case = APUS__WORKER__FROM_WORKER__BODY_OPENED
            let body = opened.message(&arena)
            message.opened = arena.message(body)
        case .observations:
            message.body_case = APUS__WORKER__FROM_WORKER__BODY_OBSERVATIONS
            var body = Apus__Worker__Observations()
            apus__worker__observations__init(&body)
            message.observations = arena.message(body)
        case .stepped:
            message.body_case = APUS__WORKER__FROM_WORKER__BODY_STEPPED
            var body = Apus__Worker__Stepped()
            apus__worker__stepped__init(&body)
            message.stepped = arena.message(body)
        case .failure(let failure):
            message.body_case = APUS__WORKER__FROM_WORKER__BODY_FAILURE
            let body = failure.message(&arena)
            message.failure = arena.message(body)
        case .shared:
            message.body_case = APUS__WORKER__FROM_WORKER__BODY_SHARED
            var body = Apus__Worker__Shared()
            apus__worker__shared__init(&body)
            message.shared = arena.message(body)
        }
        return withUnsafeMutablePointer(to: &message) { pack($0) }
    }

    /// - Throws: when the bytes are no such message, or a space in it is none that Apus has.
    public init(decoding bytes: SharedBytes) throws(WireError) {
        self = try unpack(bytes, "worker.FromWorker", { apus__worker__from_worker__unpack($0, $1, $2) }) { message throws(WireError) in
            switch message.body_case {
            case APUS__WORKER__FROM_WORKER__BODY_HELLO: .hello(Hello(message.hello.pointee))
            case APUS__WORKER__FROM_WORKER__BODY_OPENED: .opened(try Opened(message.opened.pointee))
            case APUS__WORKER__FROM_WORKER__BODY_OBSERVATIONS: .observations
            case APUS__WORKER__FROM_WORKER__BODY_STEPPED: .stepped
            case APUS__WORKER__FROM_WORKER__BODY_FAILURE: .failure(try Failure(message.failure.pointee))
            case APUS__WORKER__FROM_WORKER__BODY_SHARED: .shared
            default: throw .missing(field: "worker.FromWorker.body")
            }
        }
    }
}

extension Hello {
    fileprivate func message(_ arena: inout Arena) -> Apus__Worker__Hello {
        var message = Apus__Worker__Hello()
        apus__worker__hello__init(&message)
        message.protocol = self.protocol
        message.name = arena.string(name)
        var strings: [UnsafeMutablePointer<CChar>?] = []
        for library in libraries { strings.append(arena.string(library)) }
        (message.n_libraries, message.libraries) = (strings.count, arena.array(strings))
        message.shares_memory = sharesMemory ? 1 : 0
        return message
    }

    fileprivate init(_ message: Apus__Worker__Hello) {
        self.init(
            name: text(message.name), libraries: (0..<min(message.n_libraries, 64)).map { text(message.libraries[$0]) },
            sharesMemory: message.shares_memory != 0)
        self.protocol = message.protocol
    }
}

extension Opened {
    fileprivate func message(_ arena: inout Arena) -> Apus__Worker__Opened {
        var message = Apus__Worker__Opened()
        apus__worker__opened__init(&message)
        let spaces = (observationSpace.message(&arena), actionSpace.message(&arena))
        (message.observation_space, message.action_space) = (arena.message(spaces.0), arena.message(spaces.1))
        message.max_episode_steps = UInt32(clamping: maxEpisodeSteps ?? 0)
        if let solvedReturn {
            var solved = Apus__Worker__Solved()
            apus__worker__solved__init(&solved)
            solved.mean_return = solvedReturn
            message.solved = arena.message(solved)
        }
        message.notes = arena.string(notes)
        return message
    }

    fileprivate init(_ message: Apus__Worker__Opened) throws(WireError) {
        guard let observation = message.observation_space else { throw .missing(field: "Opened.observation_space") }
        guard let action = message.action_space else { throw .missing(field: "Opened.action_space") }
        self.init(
            observationSpace: try .observation(observation.pointee), actionSpace: try .action(action.pointee),
            maxEpisodeSteps: message.max_episode_steps == 0 ? nil : Int(message.max_episode_steps),
            solvedReturn: message.solved?.pointee.mean_return, notes: text(message.notes))
        if let solvedReturn, !solvedReturn.isFinite {
            throw .invalid(field: "Opened.solved.mean_return", value: "\(solvedReturn)", allowed: "finite numbers")
        }
    }
}

extension Failure {
    fileprivate func message(_ arena: inout Arena) -> Apus__Worker__Failure {
        var message = Apus__Worker__Failure()
        apus__worker__failure__init(&message)
        message.kind = Apus__Worker__Failure__Kind(rawValue: Apus__Worker__Failure__Kind.RawValue(kind.rawValue))
        (message.problem, message.remedy) = (arena.string(problem), arena.string(remedy))
        (message.n_slots, message.slots) = (slots.count, arena.array(slots.map { UInt32($0) }))
        return message
    }

    fileprivate init(_ message: Apus__Worker__Failure) throws(WireError) {
        guard let kind = Kind(rawValue: UInt32(message.kind.rawValue)) else {
            throw .invalid(field: "Failure.kind", value: "\(message.kind.rawValue)", allowed: "0 (error), 1 (refused)")
        }
        self.init(
            kind, problem: text(message.problem), remedy: text(message.remedy),
            slots: (0..<min(message.n_slots, 64)).map { Int(message.slots[$0]) })
    }
}
