import Tensors

/// Where the columns of one stored sequence lie in its record: T steps of one slot, each column without gaps.
///
/// Records are written to checkpoints as they are; the machines that Apus runs on are little-endian.
struct SequenceLayout: Sendable, Hashable {
    let observationSpace: Space
    let actionSpace: Space
    /// S
    let stateCount: Int
    /// P
    let policyCount: Int
    /// T
    let steps: Int
    let observationBytes, actionBytes: Int
    let recurrentState, behaviourPolicy, behaviourLogProb, reward, action, observation, terminated, truncated: Int
    /// Bytes of a record, a multiple of 8.
    let size: Int

    init(_ shape: RolloutShape) {
        observationSpace = shape.observation
        actionSpace = shape.action
        stateCount = shape.stateCount
        policyCount = shape.policyCount
        steps = shape.steps
        observationBytes = shape.observation.byteCount
        actionBytes = shape.action.byteCount
        recurrentState = SequenceHeader.byteCount
        behaviourPolicy = recurrentState + 4 * stateCount
        behaviourLogProb = behaviourPolicy + 4 * steps * policyCount
        reward = behaviourLogProb + 4 * steps
        action = reward + 4 * steps
        observation = action + steps * actionBytes
        terminated = observation + (steps + 1) * observationBytes
        truncated = terminated + steps
        size = (truncated + steps + 7) & ~7
    }

    /// What two layouts must share so that one's records are the other's.
    var description: String {
        "\(steps) steps, observations \(observationSpace.elementType) \(observationSpace.shape), "
            + "actions \(actionSpace.elementType) \(actionSpace.shape), \(stateCount) numbers of recurrent state"
            + (policyCount == 0 ? "" : ", \(policyCount) numbers of the behaviour policy")
    }
}

/// What precedes the columns in a record.
struct SequenceHeader: Equatable {
    static let byteCount = 48

    var id: RolloutID
    var version: UInt64
    var slot: UInt32
    /// This sequence's key minus that of the same slot in the rollout before; 0: that one is not stored.
    var predecessorDistance: UInt32 = 0
    /// The first of its rows among the segment's final observations, and their number: one for each truncated step.
    var firstFinal: UInt32 = 0
    var finalCount: UInt32 = 0
    var source: DataSource

    init(id: RolloutID, version: UInt64, slot: UInt32, source: DataSource) {
        (self.id, self.version, self.slot, self.source) = (id, version, slot, source)
    }

    /// Nil when the source is none.
    init?(_ record: UnsafeRawPointer) {
        guard let source = UInt8(exactly: record.loadUnaligned(fromByteOffset: 40, as: UInt32.self)).flatMap(DataSource.init) else { return nil }
        id = RolloutID(
            actor: record.loadUnaligned(as: UInt32.self), incarnation: record.loadUnaligned(fromByteOffset: 4, as: UInt32.self),
            sequence: record.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        version = record.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        slot = record.loadUnaligned(fromByteOffset: 24, as: UInt32.self)
        predecessorDistance = record.loadUnaligned(fromByteOffset: 28, as: UInt32.self)
        firstFinal = record.loadUnaligned(fromByteOffset: 32, as: UInt32.self)
        finalCount = record.loadUnaligned(fromByteOffset: 36, as: UInt32.self)
        self.source = source
    }

    func write(to record: UnsafeMutableRawPointer) {
        record.storeBytes(of: id.actor, as: UInt32.self)
        record.storeBytes(of: id.incarnation, toByteOffset: 4, as: UInt32.self)
        record.storeBytes(of: id.sequence, toByteOffset: 8, as: UInt64.self)
        record.storeBytes(of: version, toByteOffset: 16, as: UInt64.self)
        record.storeBytes(of: slot, toByteOffset: 24, as: UInt32.self)
        record.storeBytes(of: predecessorDistance, toByteOffset: 28, as: UInt32.self)
        record.storeBytes(of: firstFinal, toByteOffset: 32, as: UInt32.self)
        record.storeBytes(of: finalCount, toByteOffset: 36, as: UInt32.self)
        record.storeBytes(of: UInt64(source.rawValue), toByteOffset: 40, as: UInt64.self)
    }
}
