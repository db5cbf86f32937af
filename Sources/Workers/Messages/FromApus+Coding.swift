import CWire
import Platform
import Wire

extension FromApus {
    /// The frame.
    public func encoded() -> [UInt8] {
        var arena = Arena()
        var message = Apus__Worker__FromApus()
        apus__worker__from_apus__init(&message)
        switch self {
        case .open(let open):
            message.body_case = APUS__WORKER__FROM_APUS__BODY_OPEN
            let body = open.message(&arena)
            message.open = arena.message(body)
        case .reset:
            message.body_case = APUS__WORKER__FROM_APUS__BODY_RESET
            var body = Apus__Worker__Reset()
            apus__worker__reset__init(&body)
            message.reset = arena.message(body)
        case .step:
            message.body_case = APUS__WORKER__FROM_APUS__BODY_STEP
            var body = Apus__Worker__Step()
            apus__worker__step__init(&body)
            message.step = arena.message(body)
        case .close:
            message.body_case = APUS__WORKER__FROM_APUS__BODY_CLOSE
            var body = Apus__Worker__Close()
            apus__worker__close__init(&body)
            message.close = arena.message(body)
        case .share(let share):
            message.body_case = APUS__WORKER__FROM_APUS__BODY_SHARE
            message.share = arena.message(share.message())
        }
        return withUnsafeMutablePointer(to: &message) { pack($0) }
    }

    public init(decoding bytes: SharedBytes) throws(WireError) {
        self = try unpack(bytes, "worker.FromApus", { apus__worker__from_apus__unpack($0, $1, $2) }) { message throws(WireError) in
            switch message.body_case {
            case APUS__WORKER__FROM_APUS__BODY_OPEN: .open(try Open(message.open.pointee))
            case APUS__WORKER__FROM_APUS__BODY_RESET: .reset
            case APUS__WORKER__FROM_APUS__BODY_STEP: .step
            case APUS__WORKER__FROM_APUS__BODY_CLOSE: .close
            case APUS__WORKER__FROM_APUS__BODY_SHARE: .share(try Share(message.share.pointee))
            default: throw .missing(field: "worker.FromApus.body")
            }
        }
    }
}

extension Open {
    fileprivate func message(_ arena: inout Arena) -> Apus__Worker__Open {
        var message = Apus__Worker__Open()
        apus__worker__open__init(&message)
        message.protocol = self.protocol
        message.environment = arena.string(environment)
        message.slots = UInt32(seeds.count)
        (message.n_seeds, message.seeds) = (seeds.count, arena.array(seeds))
        // Sorted, so that equal messages are equal bytes.
        let sorted = options.sorted { $0.key < $1.key }
        message.n_options = sorted.count
        message.options = arena.messages(sorted) { option, arena in
            var message = Apus__Worker__Option()
            apus__worker__option__init(&message)
            message.name = arena.string(option.key)
            message.value = option.value
            return message
        }
        message.max_episode_steps = UInt32(clamping: maxEpisodeSteps ?? 0)
        return message
    }

    fileprivate init(_ message: Apus__Worker__Open) throws(WireError) {
        guard message.n_seeds == Int(message.slots), message.slots <= 65536 else {
            throw .invalid(field: "Open.seeds", value: "\(message.n_seeds) seeds", allowed: "\(message.slots) seeds, at most 65536")
        }
        self.init(
            environment: text(message.environment), seeds: (0..<message.n_seeds).map { message.seeds[$0] },
            options: Dictionary(
                elements(message.n_options, message.options).map { (text($0.name), $0.value) }, uniquingKeysWith: { $1 }),
            maxEpisodeSteps: message.max_episode_steps == 0 ? nil : Int(message.max_episode_steps))
        self.protocol = message.protocol
    }
}
