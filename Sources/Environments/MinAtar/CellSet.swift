/// A set of cells of the 10 × 10 board, one bit for each, row by row.
struct CellSet: Hashable, Sendable {
    private var bits: UInt128 = 0

    private static let all: UInt128 = 0xf_ffff_ffff_ffff_ffff_ffff_ffff
    /// Where Space Invaders' aliens start: rows 0 to 3, columns 2 to 7.
    @inline(__always)
    static var wave: CellSet { CellSet(bits: 0x3f_0fc3_f0fc) }

    @inline(__always)
    init() {}

    @inline(__always)
    private init(bits: UInt128) { self.bits = bits }

    @inline(__always)
    static func row(_ y: Int) -> CellSet { CellSet(bits: 0x3ff &<< UInt128(truncatingIfNeeded: 10 &* y)) }

    @inline(__always)
    static func column(_ x: Int) -> CellSet { CellSet(bits: 0x401_0040_1004_0100_4010_0401 &<< UInt128(truncatingIfNeeded: x)) }

    @inline(__always)
    var isEmpty: Bool { bits == 0 }
    @inline(__always)
    var count: Int { bits.nonzeroBitCount }
    /// The last cell, row by row: in the lowest row that holds one.
    @inline(__always)
    var last: Int? { bits == 0 ? nil : 127 &- bits.leadingZeroBitCount }

    @inline(__always)
    func contains(x: Int, y: Int) -> Bool { (bits &>> UInt128(truncatingIfNeeded: 10 &* y &+ x)) & 1 == 1 }
    @inline(__always)
    mutating func insert(x: Int, y: Int) { insert(cell: 10 &* y &+ x) }
    @inline(__always)
    mutating func insert(cell: Int) { bits |= 1 &<< UInt128(truncatingIfNeeded: cell) }
    @inline(__always)
    func intersection(_ other: CellSet) -> CellSet { CellSet(bits: bits & other.bits) }
    @inline(__always)
    mutating func subtract(_ other: CellSet) { bits &= ~other.bits }

    /// Every cell goes up a row; what was in the first one is gone.
    @inline(__always)
    mutating func moveUp() { bits = bits &>> 10 }
    /// Every cell goes down a row; what was in the last one is gone.
    @inline(__always)
    mutating func moveDown() { bits = (bits &<< 10) & Self.all }
    /// Every cell goes down a row; what was in the last one comes in at the first.
    @inline(__always)
    mutating func rotateDown() { bits = (bits &<< 10) & Self.all | bits &>> 90 }
    /// Column 0 must be empty.
    @inline(__always)
    mutating func moveLeft() { bits = bits &>> 1 }
    /// Column 9 must be empty.
    @inline(__always)
    mutating func moveRight() { bits = bits &<< 1 }

    /// Calls `body` with every cell, row by row.
    @inline(__always)
    func forEach(_ body: (Int) -> Void) {
        var low = UInt64(truncatingIfNeeded: bits)
        while low != 0 {
            body(low.trailingZeroBitCount)
            low &= low &- 1
        }
        var high = UInt64(truncatingIfNeeded: bits &>> 64)
        while high != 0 {
            body(64 &+ high.trailingZeroBitCount)
            high &= high &- 1
        }
    }
}
