extension Seaquest {
    /// Something that crosses Seaquest's board: a fish, a submarine, a diver or a bullet.
    package struct Swimmer: Equatable, Sendable, BitwiseCopyable {
        var x: Int8
        var y: Int8
        var right: Bool
        /// Steps until it moves; 0 for bullets, which always move.
        var moveTimer: Int8 = 0
        /// Steps until it shoots; 0 for what does not.
        var shotTimer: Int8 = 0

        @inline(__always)
        package init(x: Int8, y: Int8, right: Bool, moveTimer: Int8 = 0, shotTimer: Int8 = 0) {
            (self.x, self.y, self.right, self.moveTimer, self.shotTimer) = (x, y, right, moveTimer, shotTimer)
        }

        @inline(__always)
        func isAt(_ other: Swimmer) -> Bool { x == other.x && y == other.y }
        @inline(__always)
        var isOutside: Bool { x < 0 || x > 9 }
        @inline(__always)
        mutating func advance() { x &+= right ? 1 : -1 }
    }

    /// The swimmers of one kind in the order in which they came, inside the value.
    ///
    /// Removal is by equality, as the rules have it: of two swimmers that are alike the older one goes, and with it the place of the
    /// younger one in the order changes.
    package struct SwimmerList: Sendable {
        /// More than there can be: at the last level an enemy comes every step and is gone after 30, and a submarine has one bullet
        /// under way.
        private static let capacity = 64

        private var storage = InlineArray<64, Swimmer>(repeating: Swimmer(x: 0, y: 0, right: false))
        package private(set) var count = 0

        package init() {}

        @inline(__always)
        mutating func removeAll() { count = 0 }

        @inline(__always)
        package mutating func append(_ swimmer: Swimmer) {
            precondition(count < Self.capacity, "more swimmers than a board can hold")
            self[count] = swimmer
            count &+= 1
        }

        /// Unchecked: an index below `count`, which is at most the capacity.
        @inline(__always)
        package subscript(index: Int) -> Swimmer {
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
        package mutating func removeFirst(like index: Int) -> Int? {
            let swimmer = self[index]
            let first = firstIndex { $0 == swimmer } ?? index
            remove(at: first)
            return first == index ? nil : index &- 1
        }
    }
}
