import Platform
import Tensors

/// Stored sequences: what each slot of the inserted rollouts did, to be sampled again and again.
///
/// The oldest ones make room for new ones, in steps of a segment (about a sixty-fourth of the capacity). Every sequence has a key that no
/// other one ever gets. Belongs to one thread; what it does is a function of the settings and the order of the calls, so that a learner
/// that makes the same calls draws the same samples.
public final class ReplayBuffer {
    public let capacity: ReplayCapacity
    /// A dataset: samples only.
    public let isReadOnly: Bool
    public internal(set) var limiter: RateLimiter
    /// Priorities that came for sequences that were gone by then.
    public internal(set) var staleUpdates = 0
    /// The largest priority that was ever set, which new sequences get; 1 in the beginning.
    public internal(set) var maximumPriority: Float = 1

    var segments: [ReplaySegment] = []
    var items: ReplayItems
    /// Of the next sequence.
    var nextKey: UInt64 = 1
    /// No item has a smaller key.
    var firstItem: UInt64 = 1
    /// Where `.fifo` goes on.
    var cursor: UInt64 = 1
    /// Calls of `sample` so far: each has a random stream of its own.
    var sampleCalls: UInt64 = 0
    private var tracks: [UInt32: ActorTrack] = [:]
    let randomKey: RandomKey
    /// Memory for byte observations of samples.
    var samplePool = RolloutPool(blockSize: 0, kept: 0)

    /// - Parameter shape: of every rollout; its `maximumSlots` are what one insert brings at most.
    /// - Throws: `ReplayError` for settings that cannot work and for a capacity that the machine does not have or that holds too little,
    ///   `FileError` for a directory that cannot be used.
    public convenience init(_ settings: ReplaySettings, shape: RolloutShape) throws {
        try self.init(ReplayCapacity(settings, shape: shape), isReadOnly: false)
    }

    init(_ capacity: ReplayCapacity, isReadOnly: Bool) throws {
        try capacity.checkAvailable()
        self.capacity = capacity
        self.isReadOnly = isReadOnly
        limiter = capacity.settings.limiter
        items = ReplayItems(places: capacity.sequences, capacity.settings)
        randomKey = RandomKey(seed: capacity.settings.seed, purpose: .replay)
    }

    public var settings: ReplaySettings { capacity.settings }
    public var shape: RolloutShape { capacity.shape }
    /// T + k: the steps of a stored sequence.
    public var sequenceSteps: Int { shape.steps + settings.sequenceOverlap }
    /// Sequences that can be sampled.
    public var count: Int { items.count }
    /// Bytes of the segments that are there now and of the index.
    public var byteCount: Int {
        segments.count * capacity.segmentBytes
            + ReplayItems.byteCount(capacity.sequences, hasSuccessors: settings.sequenceOverlap > 0)
    }
    /// How many sequences were ever stored.
    public var storedCount: UInt64 { nextKey - 1 }
    var firstKey: UInt64 { segments.first?.firstKey ?? nextKey }

    /// The segment in which a stored key lies.
    func segment(of key: UInt64) -> Int {
        var (low, high) = (0, segments.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if segments[middle].firstKey <= key { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// Whether a sequence can still be sampled.
    public func contains(_ key: UInt64) -> Bool { key >= firstKey && key < nextKey && items.isLive(key) }

    // MARK: Storing

    /// A place for one more sequence, with its key. The header's predecessor and final rows are filled in.
    /// - Parameter predecessorDistance: of a record that was written before; nil for a new one.
    func append(
        _ header: SequenceHeader, finals: Int, predecessorDistance: UInt32? = nil
    ) throws(FileError) -> (key: UInt64, record: UnsafeMutableRawPointer, header: SequenceHeader) {
        if segments.last?.hasRoom(finals: finals, capacity.layout) != true { try openSegment() }
        let key = nextKey
        nextKey += 1
        var header = header
        let distance = tracks[header.id.actor, default: ActorTrack()].append(header, key: key, oldest: firstKey)
        header.predecessorDistance = predecessorDistance ?? distance
        let place = segments[segments.count - 1].append(finals: finals, capacity.layout)
        header.firstFinal = UInt32(place.firstFinal)
        header.finalCount = UInt32(finals)
        header.write(to: place.record)
        return (key, place.record, header)
    }

    /// Makes room: evicts the oldest segment when there are as many as there may be, and those that hold nothing to sample any more.
    private func openSegment() throws(FileError) {
        var memory: SegmentMemory?
        skipHoles()
        while let oldest = segments.first {
            // Sequences that are no items may still precede others.
            let isSpent = settings.sequenceOverlap == 0 && oldest.keys.upperBound <= firstItem
            guard segments.count >= capacity.segmentCount || isSpent else { break }
            for key in oldest.keys {
                if items.isLive(key) { remove(key, mark: ReplayItems.gone) }
                if let successor = items.successor(of: key), items.isLive(successor) { remove(successor, mark: ReplayItems.leadless) }
            }
            memory = segments.removeFirst().memory
            firstItem = max(firstItem, oldest.keys.upperBound)
        }
        // A checkpoint that is being written may still read it.
        let isFree = memory != nil && isKnownUniquelyReferenced(&memory)
        if !isFree { memory = try SegmentMemory(byteCount: capacity.segmentBytes, storage: settings.storage) }
        segments.append(ReplaySegment(memory!, firstKey: nextKey))
    }

    /// Copies the final observations of a sequence that was just appended.
    func copyFinals(_ finals: [UnsafeRawPointer], _ header: SequenceHeader) {
        for (row, source) in finals.enumerated() {
            segments[segments.count - 1].final(Int(header.firstFinal) + row, capacity.layout)
                .copyMemory(from: source, byteCount: capacity.layout.observationBytes)
        }
    }

    /// Makes a stored sequence an item, if it has all its steps.
    /// - Parameter uses: how often it was sampled before, or `ReplayItems.gone`.
    func addItem(_ key: UInt64, predecessorDistance: UInt32, uses: UInt32 = 0, priority: Float) {
        let needsPredecessor = settings.sequenceOverlap > 0
        let predecessor = key - UInt64(predecessorDistance)
        let isLeadless = needsPredecessor && (predecessor == key || predecessor < firstKey)
        items.add(key, uses: isLeadless && uses != ReplayItems.gone ? ReplayItems.leadless : uses, priority: priority)
        if needsPredecessor && !isLeadless { items.link(key, after: predecessor) }
        while items.count > settings.maximumSequences ?? .max {
            skipHoles()
            remove(firstItem, mark: ReplayItems.gone)
        }
    }

    func remove(_ key: UInt64, mark: UInt32) {
        items.remove(key, mark: mark)
        limiter.counters.deletes += 1
    }

    /// Moves `firstItem` to the oldest item.
    func skipHoles() { while firstItem < nextKey && !items.isLive(firstItem) { firstItem += 1 } }
}

/// An actor's newest rollout in the replay, and the one that it follows on directly.
private struct ActorTrack {
    private var id: RolloutID?
    /// Key and number of the slots of each.
    private var newest: (firstKey: UInt64, slots: UInt64) = (0, 0)
    private var before: (firstKey: UInt64, slots: UInt64) = (0, 0)

    /// Takes note of one more sequence.
    /// - Parameter oldest: the smallest key that is still stored.
    /// - Returns: how far back the same slot's sequence of the rollout before lies; 0 when that one is not stored.
    mutating func append(_ header: SequenceHeader, key: UInt64, oldest: UInt64) -> UInt32 {
        let slot = UInt64(header.slot)
        if id != header.id {
            let follows = id.map { $0.incarnation == header.id.incarnation && $0.sequence &+ 1 == header.id.sequence } ?? false
            before = follows ? newest : (0, 0)
            newest = (key &- slot, 0)
            id = header.id
        }
        newest.slots = max(newest.slots, slot + 1)
        let predecessor = before.firstKey &+ slot
        guard slot < before.slots, predecessor >= oldest, predecessor < key else { return 0 }
        return UInt32(exactly: key - predecessor) ?? 0
    }
}
