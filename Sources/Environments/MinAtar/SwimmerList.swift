/// Something that crosses Seaquest's board: a fish, a submarine, a diver or a bullet.
struct Swimmer: Equatable, Sendable, BitwiseCopyable {
    var x: Int8
    var y: Int8
    var right: Bool
    /// Steps until it moves; 0 for bullets, which always move.
    var moveTimer: Int8 = 0
    /// Steps until it shoots; 0 for what does not.
    var shotTimer: Int8 = 0

    @inline(__always)
    func isAt(_ other: Swimmer) -> Bool { x == other.x && y == other.y }
    @inline(__always)
    var isOutside: Bool { x < 0 || x > 9 }
    @inline(__always)
    mutating func advance() { x &+= right ? 1 : -1 }
}

/// The swimmers of one kind in the order in which they came, inside the value.
///
/// Removal is by equality, as the rules have it: of two swimmers that are alike the older one goes, and with it the place of the younger
/// one in the order changes.
struct SwimmerList: Sendable {
    /// More than there can be: one of a kind comes in a step at most, and it is gone after 60.
    private static let capacity = 64

    private var storage = InlineArray<64, Swimmer>(repeating: Swimmer(x: 0, y: 0, right: false))
    private(set) var count = 0

    @inline(__always)
    mutating func removeAll() { count = 0 }

    @inline(__always)
    mutating func append(_ swimmer: Swimmer) {
        precondition(count < Self.capacity, "more swimmers than a board can hold")
        self[count] = swimmer
        count &+= 1
    }

    /// Unchecked: an index below `count`, which is at most the capacity.
    @inline(__always)
    subscript(index: Int) -> Swimmer {
        get { storage[unchecked: index] }
        set { storage[unchecked: index] = newValue }
    }

    /// Mutating, as `forEach`, only to read in place: a copy of the list takes longer than going through it.
    @inline(__always)
    mutating func firstIndex(where matches: (Swimmer) -> Bool) -> Int? {
        for index in 0..<count where matches(self[index]) { return index }
        return nil
    }

    @inline(__always)
    mutating func forEach(_ body: (Swimmer) -> Void) {
        for index in 0..<count { body(self[index]) }
    }

    mutating func remove(at index: Int) {
        for later in index..<(count &- 1) { self[later] = self[later &+ 1] }
        count &-= 1
    }

    /// Removes the first swimmer that equals the one at `index`.
    ///
    /// - Returns: where the one at `index` is now; nil if it is the one that went.
    @discardableResult
    mutating func removeFirst(like index: Int) -> Int? {
        let swimmer = self[index]
        let first = firstIndex { $0 == swimmer } ?? index
        remove(at: first)
        return first == index ? nil : index &- 1
    }
}
