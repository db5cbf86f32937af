import Glibc

/// Which of the stored sequences can be sampled, how often each was, and with which weight: what changes about a sequence after it was
/// written. A sequence of key k has the place k mod `places`.
struct ReplayItems: Sendable {
    /// In place of a count of uses: the sequence was used up, or has left the last `maximumSequences`.
    static let gone = UInt32.max
    /// The same: the rollout that should precede it is not stored.
    static let leadless = UInt32.max - 1

    let places: Int
    let selector: ReplaySelector
    let maximumUses: UInt32
    private(set) var uses: [UInt32]
    private(set) var priorities: [Float]
    /// The next sequence's key of the same actor and slot minus this one's; 0: there is none. Empty where sequences do not overlap.
    private var successors: [UInt32]
    private var tree: WeightTree
    /// Items that can be sampled.
    private(set) var count = 0
    /// How often they can be sampled altogether, where that is limited.
    private(set) var remainingUses = 0

    static func byteCount(_ places: Int, hasSuccessors: Bool) -> Int {
        WeightTree.byteCount(places) + places * (hasSuccessors ? 12 : 8)
    }

    init(places: Int, _ settings: ReplaySettings) {
        self.places = places
        selector = settings.selector
        maximumUses = settings.maximumTimesSampled.map(UInt32.init) ?? .max
        uses = Array(repeating: Self.gone, count: places)
        priorities = Array(repeating: 0, count: places)
        successors = settings.sequenceOverlap > 0 ? Array(repeating: 0, count: places) : []
        tree = WeightTree(count: places)
    }

    var isUseLimited: Bool { maximumUses != .max }
    var totalWeight: Double { tree.total }

    private func place(_ key: UInt64) -> Int { Int(key % UInt64(places)) }

    func isLive(_ key: UInt64) -> Bool { uses[place(key)] < Self.leadless }
    func weight(of key: UInt64) -> Double { tree[place(key)] }

    /// A new sequence.
    /// - Parameter uses: how often it was sampled before; `gone` or `leadless` for one that is no item.
    mutating func add(_ key: UInt64, uses used: UInt32, priority: Float) {
        let place = place(key)
        uses[place] = used
        priorities[place] = priority
        if !successors.isEmpty { successors[place] = 0 }
        guard used < Self.leadless else { return }
        count += 1
        if isUseLimited { remainingUses += Int(maximumUses - used) }
        tree.set(place, weight(priority))
    }

    /// Makes `key` the successor of a sequence that is still stored.
    mutating func link(_ key: UInt64, after predecessor: UInt64) {
        if !successors.isEmpty { successors[place(predecessor)] = UInt32(key - predecessor) }
    }

    func successor(of key: UInt64) -> UInt64? {
        guard !successors.isEmpty, successors[place(key)] > 0 else { return nil }
        return key + UInt64(successors[place(key)])
    }

    /// Takes a live item out.
    mutating func remove(_ key: UInt64, mark: UInt32) {
        let place = place(key)
        count -= 1
        if isUseLimited { remainingUses -= Int(maximumUses - uses[place]) }
        uses[place] = mark
        tree.set(place, 0)
    }

    /// Counts one use of a live item; true when it was the last one, and the item is gone.
    mutating func use(_ key: UInt64) -> Bool {
        let place = place(key)
        if isUseLimited {
            guard uses[place] + 1 < maximumUses else {
                remove(key, mark: Self.gone)
                return true
            }
            remainingUses -= 1
        }
        // Without a limit it is only a statistic, which need not go on for ever.
        uses[place] = min(uses[place] + 1, Self.leadless - 1)
        return false
    }

    mutating func setPriority(_ key: UInt64, _ priority: Float) {
        let place = place(key)
        priorities[place] = priority
        tree.set(place, weight(priority))
    }

    /// The live item at a part of the total weight, below 1.
    /// - Parameter first: the oldest stored key.
    func item(at part: Double, first: UInt64) -> UInt64 {
        let position = min(part * tree.total, tree.total.nextDown)
        let place = UInt64(tree.place(at: position))
        let (base, count) = (first % UInt64(places), UInt64(places))
        return first + (place >= base ? place - base : place + count - base)
    }

    private func weight(_ priority: Float) -> Double {
        guard case .prioritized(let alpha, let epsilon) = selector else { return 1 }
        return max(pow(Double(priority) + epsilon, alpha), .leastNormalMagnitude)
    }
}
