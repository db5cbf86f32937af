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
    /// Memory for 102 swimmers. Nothing can be that many: one of a kind comes in a step at most, and it is gone after 60.
    private var storage = SIMD64<UInt64>()
    private(set) var count = 0

    private static let capacity = MemoryLayout<SIMD64<UInt64>>.size / MemoryLayout<Swimmer>.stride

    @inline(__always)
    mutating func removeAll() { count = 0 }

    @inline(__always)
    mutating func append(_ swimmer: Swimmer) {
        precondition(count < Self.capacity, "more swimmers than a board can hold")
        self[count] = swimmer
        count &+= 1
    }

    @inline(__always)
    subscript(index: Int) -> Swimmer {
        get { withUnsafeBytes(of: storage) { $0.load(fromByteOffset: index &* MemoryLayout<Swimmer>.stride, as: Swimmer.self) } }
        set {
            withUnsafeMutableBytes(of: &storage) {
                $0.storeBytes(of: newValue, toByteOffset: index &* MemoryLayout<Swimmer>.stride, as: Swimmer.self)
            }
        }
    }

    @inline(__always)
    func firstIndex(where matches: (Swimmer) -> Bool) -> Int? {
        for index in 0..<count where matches(self[index]) { return index }
        return nil
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
