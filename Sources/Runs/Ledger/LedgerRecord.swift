import Platform

/// One event in the life of rollouts: 32 bytes, little-endian: kind u8, cause u8, writer or life u16, actor u32, incarnation u32, sequence u64,
/// version u64, CRC-32C of those 28 bytes u32.
public struct LedgerRecord: Hashable, Sendable {
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// The incarnation is known to have produced all sequences up to `sequence`.
        case produced = 1
        /// Trained on by the update that made `version`.
        case trained = 2
        /// Refused for its age by the learner at `version`.
        case stale = 3
        /// Left out by the method's selection at `version`.
        case filtered = 4
        /// Could not be used at `version`: malformed, or not finite.
        case failed = 5
        /// Given up on request; covers `version ... sequence`.
        case cancelled = 6
        /// Gone with its actor; covers `version ... sequence`.
        case lost = 7
        /// The learner resumed from the checkpoint `version`: events `trained` at higher versions before this record were undone.
        case rewound = 8
        /// A learner's life began: `incarnation` is its number from 1, `version` the policy version that it began with, `sequence` the life
        /// number that its weights carry (the coordinator's: it also counts lives that ended before they wrote).
        case started = 9
        /// The learner took the rollout, which was acted by `version` of its life `life`. Once for each rollout, before its terminal event.
        case acted = 10
        /// The incarnation's first rollout has come: `version` is the number of its slots, `sequence` the fingerprint of its key (0: none).
        case joined = 11

        /// Whether the event ends the life of a rollout.
        public var isTerminal: Bool { (Kind.trained.rawValue ... Kind.lost.rawValue).contains(rawValue) }
        /// Whether `version` is the first sequence of a range.
        public var coversRange: Bool { self == .cancelled || self == .lost }
    }

    public var kind: Kind
    /// Why, in the words of the kind's writer; 0: not told.
    public var cause: UInt8
    /// Of `acted`; `.max` stands for all that do not fit.
    public var life: UInt16
    /// Which life of the learner wrote it (`writer(life:)`), set by `LedgerWriter`; 0: not told. A learner that was paused, replaced and goes on
    /// may still append: its records stand after the `started` record of its successor, and are void.
    public internal(set) var writer: UInt16 = 0
    public var actor: UInt32
    public var incarnation: UInt32
    /// Counts an incarnation's rollouts from 1; of a range the last.
    public var sequence: UInt64
    /// A policy version; of a range the first sequence.
    public var version: UInt64

    public init(
        _ kind: Kind, cause: UInt8 = 0, life: UInt32 = 0, actor: UInt32 = 0, incarnation: UInt32 = 0, sequence: UInt64 = 0,
        version: UInt64 = 0
    ) {
        self.kind = kind
        self.cause = cause
        self.life = UInt16(clamping: life)
        self.actor = actor
        self.incarnation = incarnation
        self.sequence = sequence
        self.version = version
    }

    /// `lost` or `cancelled` for every rollout in `sequences` that has no terminal event yet: one record for a dead actor.
    public init(_ kind: Kind, cause: UInt8 = 0, actor: UInt32, incarnation: UInt32, sequences: ClosedRange<UInt64>) {
        precondition(kind.coversRange, "only lost and cancelled cover a range")
        self.init(
            kind, cause: cause, actor: actor, incarnation: incarnation, sequence: sequences.upperBound, version: sequences.lowerBound)
    }

    /// The cause of `failed` where the update with this rollout was refused, and not the rollout itself.
    public static let refusedUpdate: UInt8 = 1

    public static let byteCount = 32

    /// Never 0, and different for 65,535 lives in a row.
    private static func writer(life: UInt32) -> UInt16 { UInt16(life % 65_535) + 1 }
    /// The same for `acted`, whose cause it is: another number stands in its place.
    private static func cause(life: UInt32) -> UInt8 { UInt8(life % 255) + 1 }

    /// The record as a life of the learner writes it.
    func bytes(writtenIn life: UInt32) -> [UInt8] {
        var record = self
        if kind == .acted { record.cause = Self.cause(life: life) } else { record.writer = Self.writer(life: life) }
        return record.bytes
    }

    /// Whether this life of the learner may have written it.
    func isWritten(in life: UInt32) -> Bool {
        kind == .acted ? cause == 0 || cause == Self.cause(life: life) : writer == 0 || writer == Self.writer(life: life)
    }

    /// The record as it stands in the file.
    private var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            raw.storeBytes(of: (UInt32(kind.rawValue) | UInt32(cause) << 8 | UInt32(kind == .acted ? life : writer) << 16).littleEndian, toByteOffset: 0, as: UInt32.self)
            raw.storeBytes(of: actor.littleEndian, toByteOffset: 4, as: UInt32.self)
            raw.storeBytes(of: incarnation.littleEndian, toByteOffset: 8, as: UInt32.self)
            raw.storeBytes(of: sequence.littleEndian, toByteOffset: 12, as: UInt64.self)
            raw.storeBytes(of: version.littleEndian, toByteOffset: 20, as: UInt64.self)
            let sum = CRC32C.of(UnsafeRawBufferPointer(rebasing: raw[..<28]))
            raw.storeBytes(of: sum.littleEndian, toByteOffset: 28, as: UInt32.self)
            count = Self.byteCount
        }
    }

    /// Nil when the 32 bytes at `offset` are damaged or hold an unknown kind.
    init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        func load<Value: FixedWidthInteger>(_ type: Value.Type, _ position: Int) -> Value {
            Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + position, as: type))
        }
        guard CRC32C.of(UnsafeRawBufferPointer(rebasing: bytes[offset ..< offset + 28])) == load(UInt32.self, 28),
            let kind = Kind(rawValue: bytes[offset])
        else { return nil }
        self.init(
            kind, cause: bytes[offset + 1], life: kind == .acted ? UInt32(load(UInt16.self, 2)) : 0, actor: load(UInt32.self, 4), incarnation: load(UInt32.self, 8), sequence: load(UInt64.self, 12),
            version: load(UInt64.self, 20))
        if kind != .acted { writer = load(UInt16.self, 2) }
    }
}
