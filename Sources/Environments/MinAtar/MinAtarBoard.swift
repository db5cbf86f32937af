/// An observation of MinAtar while it is written: 10 × 10 cells of some planes, [row, column, plane].
public struct MinAtarBoard {
    @usableFromInline let bytes: UnsafeMutableRawPointer
    @usableFromInline let planes: Int

    /// - Precondition: the observation has 100 · planes bytes.
    @inline(__always)
    init(clearing observation: UnsafeMutableBufferPointer<UInt8>, planes: Int) {
        guard let base = observation.baseAddress else { preconditionFailure("an observation without memory") }
        bytes = UnsafeMutableRawPointer(base)
        self.planes = planes
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: 100 &* planes)
    }

    /// Marks a cell in a plane.
    @inline(__always)
    func set(_ plane: Int, x: Int, y: Int) { set(plane, cell: y &* 10 &+ x) }

    /// Marks a cell, counted row by row, in a plane.
    @inline(__always)
    func set(_ plane: Int, cell: Int) { bytes.storeBytes(of: 1, toByteOffset: cell &* planes &+ plane, as: UInt8.self) }
}
