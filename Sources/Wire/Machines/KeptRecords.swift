/// Which of the learner's records are on disk. Records come again after a connection was lost, and each is to be there once; whatever a
/// learner's clock says, none is left out.
struct KeptRecords: Sendable {
    /// The newest that was taken: of which life of the learner, and its number there.
    private var newest: (life: UInt32, sequence: UInt64) = (0, 0)
    /// The times of the records that a coordinator before this one has written, which knew their numbers: one that comes again carries the same time.
    private let written: Set<Double>
    /// The learner's last life of which such a record can be.
    private let lives: UInt32
    private(set) var last: Record?

    init(written: Set<Double>, lives: UInt32) {
        self.written = written
        self.lives = lives
    }

    /// - Returns: whether the record is new, and must be written.
    mutating func take(_ record: Record, of life: UInt32) -> Bool {
        guard (life, record.sequence) > newest else { return false }
        newest = (life, record.sequence)
        if life <= lives, written.contains(record.time) { return false }
        last = record
        return true
    }
}
