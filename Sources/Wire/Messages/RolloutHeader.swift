import CWire
import Platform
import Rollouts
import Tensors

/// The header of a rollout: everything that is needed to give its column frames names, types and shapes.
public struct RolloutHeader: Sendable, Equatable {
    public var id: RolloutID
    public var version: UInt64
    /// The learner's life that made this version.
    public var life: UInt32
    public var steps: Int
    public var slots: Int
    /// Episodes that ended inside the rollout: the rows of the `final…` and `episode…` columns.
    public var ended: Int
    public var observationType: ElementType
    public var observationShape: [Int]
    public var actionType: ElementType
    /// Empty for a discrete action, [A] for a continuous one.
    public var actionShape: [Int]
    /// The numbers of a slot's recurrent state.
    public var stateCount: Int
    /// The numbers of a step's behaviour policy.
    public var policyCount: Int
    /// Of a rollout of responses: how many there are of everything.
    public var responses: ResponseCounts?

    public struct ResponseCounts: Sendable, Equatable {
        public var groups, promptTokens, responses, rewards, tokens: Int
        public var hasEntropies: Bool
        public var work = DecodingWork()
    }

    public init(_ rollout: Rollout) {
        id = rollout.id
        version = rollout.version
        life = rollout.life
        steps = rollout.steps
        slots = rollout.slots
        ended = rollout.finalIndex.elementCount
        observationType = rollout.observation.type
        observationShape = rollout.observationShape
        actionType = rollout.action.type
        actionShape = Array(rollout.action.shape.dropFirst(2))
        stateCount = rollout.recurrentState.shape.last ?? 0
        policyCount = rollout.behaviourPolicy.shape.last ?? 0
        responses = rollout.responses.map {
            ResponseCounts(
                groups: $0.groups.shape[0], promptTokens: $0.prompts.elementCount, responses: $0.responses.shape[0], rewards: $0.rewards.shape[1],
                tokens: $0.tokens.elementCount, hasEntropies: $0.entropies.elementCount > 0, work: $0.work)
        }
    }

    /// The frame that precedes the columns.
    public func encoded() -> [UInt8] {
        var message = Apus__Rollout()
        apus__rollout__init(&message)
        (message.actor, message.incarnation, message.sequence) = (id.actor, id.incarnation, id.sequence)
        (message.version, message.life) = (version, life)
        (message.steps, message.slots, message.ended) = (UInt32(steps), UInt32(slots), UInt32(ended))
        (message.state_count, message.policy_count) = (UInt32(stateCount), UInt32(policyCount))
        (message.observation_type, message.action_type) = (UInt32(observationType.rawValue), UInt32(actionType.rawValue))
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: observationShape.count + actionShape.count) { shapes in
            for (index, extent) in (observationShape + actionShape).enumerated() { shapes[index] = UInt32(extent) }
            (message.n_observation_shape, message.observation_shape) = (observationShape.count, shapes.baseAddress)
            (message.n_action_shape, message.action_shape) = (actionShape.count, shapes.baseAddress.map { $0 + observationShape.count })
            var stream = Apus__Stream()
            apus__stream__init(&stream)
            stream.body_case = APUS__STREAM__BODY_ROLLOUT
            var counts = Apus__ResponseCounts()
            apus__response_counts__init(&counts)
            if let responses {
                (counts.groups, counts.responses, counts.rewards) = (UInt32(responses.groups), UInt32(responses.responses), UInt32(responses.rewards))
                (counts.prompt_tokens, counts.tokens) = (UInt32(responses.promptTokens), UInt32(responses.tokens))
                counts.entropies = responses.hasEntropies ? 1 : 0
                counts.decoding_steps = UInt32(clamping: responses.work.steps)
                (counts.busy_slot_steps, counts.slot_steps) = (UInt64(responses.work.busySlots), UInt64(responses.work.slots))
            }
            return withUnsafeMutablePointer(to: &counts) { counts in
                if responses != nil { message.responses = counts }
                return withUnsafeMutablePointer(to: &message) { pointer in
                    stream.rollout = pointer
                    return withUnsafeMutablePointer(to: &stream) { pack($0) }
                }
            }
        }
    }

    /// Every number is bounded before anything is computed from it: shapes are at most 8 extents of at most 2²⁴, and no column exceeds the
    /// frame limit.
    init(_ message: Apus__Rollout) throws(WireError) {
        func inside(_ field: String, _ value: UInt32, _ range: ClosedRange<UInt32>) throws(WireError) -> Int {
            guard range.contains(value) else { throw .invalid(field: "Rollout.\(field)", value: "\(value)", allowed: "\(range)") }
            return Int(value)
        }
        func type(_ field: String, _ value: UInt32) throws(WireError) -> ElementType {
            guard let type = UInt8(exactly: value).flatMap(ElementType.init) else {
                throw .invalid(field: "Rollout.\(field)", value: "\(value)", allowed: "1 (float32), 2 (int32), 3 (uint8)")
            }
            return type
        }
        func shape(_ field: String, _ count: Int, _ extents: UnsafeMutablePointer<UInt32>?) throws(WireError) -> [Int] {
            guard count <= 8 else { throw .invalid(field: "Rollout.\(field)", value: "\(count) extents", allowed: "at most 8") }
            var shape: [Int] = []
            for index in 0..<count { shape.append(try inside(field, extents![index], 1...(1 << 24))) }
            return shape
        }
        id = RolloutID(actor: message.actor, incarnation: message.incarnation, sequence: message.sequence)
        (version, life) = (message.version, message.life)
        if let counts = message.responses?.pointee {
            let most: ClosedRange<UInt32> = 0...1 << 24
            responses = ResponseCounts(
                groups: try inside("responses.groups", counts.groups, most), promptTokens: try inside("responses.prompt_tokens", counts.prompt_tokens, most),
                responses: try inside("responses.responses", counts.responses, most), rewards: try inside("responses.rewards", counts.rewards, 1...64),
                tokens: try inside("responses.tokens", counts.tokens, most), hasEntropies: counts.entropies != 0,
                work: try Self.work(counts))
            steps = try inside("steps", message.steps, 1...1 << 24)
            (slots, ended, stateCount, policyCount) = (1, 0, 0, 0)
            (observationType, actionType, observationShape, actionShape) = (.float32, .float32, [], [])
            return
        }
        steps = try inside("steps", message.steps, 1...65536)
        slots = try inside("slots", message.slots, 1...65536)
        ended = Int(message.ended)
        guard ended <= steps * slots else {
            throw .invalid(field: "Rollout.ended", value: "\(ended)", allowed: "at most steps × slots = \(steps * slots)")
        }
        observationType = try type("observation_type", message.observation_type)
        actionType = try type("action_type", message.action_type)
        observationShape = try shape("observation_shape", message.n_observation_shape, message.observation_shape)
        actionShape = try shape("action_shape", message.n_action_shape, message.action_shape)
        (stateCount, policyCount) = (Int(message.state_count), Int(message.policy_count))
        let rows = (steps + 1) * slots
        for (field, rows, extents) in [
            ("observation_shape", rows, observationShape), ("action_shape", rows, actionShape), ("state_count", slots, [stateCount]),
            ("policy_count", rows, [policyCount]),
        ] {
            var bytes = rows * 4
            for extent in extents {
                let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
                guard !overflow, product <= WireProtocol.maximumFrameBytes else {
                    throw .invalid(
                        field: "Rollout.\(field)", value: "\(extents)",
                        allowed: "columns of at most \(WireProtocol.maximumFrameBytes) bytes")
                }
                bytes = product
            }
        }
    }

    private static func work(_ counts: Apus__ResponseCounts) throws(WireError) -> DecodingWork {
        func inside(_ field: String, _ value: UInt64, atMost limit: UInt64) throws(WireError) -> Int {
            guard value <= limit else { throw .invalid(field: "Rollout.responses.\(field)", value: "\(value)", allowed: "at most \(limit)") }
            return Int(value)
        }
        let slots = try inside("slot_steps", counts.slot_steps, atMost: UInt64(counts.decoding_steps) << 16)
        return DecodingWork(
            steps: Int(counts.decoding_steps), busySlots: try inside("busy_slot_steps", counts.busy_slot_steps, atMost: counts.slot_steps), slots: slots)
    }

    /// Gives the column frames that followed this header their names, types and shapes. The bytes are not copied.
    public func rollout(columns frames: [SharedBytes]) throws(WireError) -> Rollout {
        let expected = columns
        let bytes = try ColumnFrames.unpack(frames, expected.map { ($0.name, $0.shape.reduce($0.type.byteCount, *)) })
        let columns = zip(expected, bytes).map { Column($0.name, $0.type, $0.shape, $1) }
        if let responses {
            var block = ResponseBlock(
                groups: columns[0], prompts: columns[1], responses: columns[2], rewards: columns[3], tokens: columns[4], logProbs: columns[5],
                ages: columns[6], roles: columns[7], entropies: columns[8])
            block.work = responses.work
            return Rollout(id: id, version: version, life: life, drawn: steps, responses: block)
        }
        return Rollout(
            id: id, version: version, life: life, steps: steps, slots: slots, observation: columns[0], action: columns[1],
            behaviourLogProb: columns[2], reward: columns[3], terminated: columns[4], truncated: columns[5], finalIndex: columns[6],
            finalObservation: columns[7], episodeReturn: columns[8], episodeLength: columns[9], recurrentState: columns[10],
            behaviourPolicy: columns[11])
    }

    /// Every column, in the order in which they travel.
    private var columns: [(name: String, type: ElementType, shape: [Int])] {
        if let counts = responses {
            return [
                ("groups", .int32, [counts.groups, ResponseBlock.groupFields]), ("prompts", .int32, [counts.promptTokens]),
                ("responses", .int32, [counts.responses, ResponseBlock.responseFields]),
                ("rewards", .float32, [counts.responses, counts.rewards]), ("tokens", .int32, [counts.tokens]),
                ("log_probs", .float32, [counts.tokens]), ("ages", .int32, [counts.tokens]), ("roles", .uint8, [counts.tokens]),
                ("entropies", .float32, [counts.hasEntropies ? counts.tokens : 0]),
            ]
        }
        return [
            ("observation", observationType, [steps + 1, slots] + observationShape), ("action", actionType, [steps, slots] + actionShape),
            ("behaviour_log_prob", .float32, [steps, slots]), ("reward", .float32, [steps, slots]), ("terminated", .uint8, [steps, slots]),
            ("truncated", .uint8, [steps, slots]), ("final_index", .int32, [ended]),
            ("final_observation", observationType, [ended] + observationShape), ("episode_return", .float32, [ended]),
            ("episode_length", .int32, [ended]), ("recurrent_state", .float32, [slots, stateCount]),
            ("behaviour_policy", .float32, [steps, slots, policyCount]),
        ]
    }
}
