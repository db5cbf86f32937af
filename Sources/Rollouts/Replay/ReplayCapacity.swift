import Platform
import Tensors

/// How a replay's bytes are laid out, computed and checked before anything is allocated.
public struct ReplayCapacity: Sendable, Hashable, CustomStringConvertible {
    /// What a segment holds at most; memory is taken from the system in pieces of this size.
    private static let largestSegment = 64 << 20

    public let settings: ReplaySettings
    public let shape: RolloutShape
    /// Sequences that fit when none of their steps was truncated; a final observation takes the place of other data.
    public let sequences: Int
    /// Bytes of everything when all segments are there; at most `settings.capacityBytes`.
    public let byteCount: Int
    let layout: SequenceLayout
    let segmentBytes: Int
    let segmentCount: Int

    /// - Parameter shape: of every rollout that will be inserted; its `maximumSlots` are what one insert brings at most.
    /// - Throws: `ReplayError` for settings that contradict each other or the shape, and for a capacity that cannot hold one rollout.
    public init(_ settings: ReplaySettings, shape: RolloutShape) throws(ReplayError) {
        self.settings = settings
        self.shape = shape
        layout = SequenceLayout(shape)
        let hasOverlap = settings.sequenceOverlap > 0
        let indexBytes = ReplayItems.byteCount(4096, hasSuccessors: hasOverlap) / 4096 + 1
        // A segment is dropped as a whole: about a sixty-fourth of everything. Two sequences and more, so that one of them with a final
        // observation for every step fits.
        let inSegment = max(min(Self.largestSegment, settings.capacityBytes / 64) / (layout.size + indexBytes), 2)
        segmentBytes = inSegment * layout.size
        segmentCount = max(settings.capacityBytes, 0) / (segmentBytes + inSegment * indexBytes)
        sequences = segmentCount * inSegment
        byteCount = segmentCount * segmentBytes + ReplayItems.byteCount(sequences, hasSuccessors: hasOverlap)

        // While a segment is filled the oldest one is already gone, and final observations take half the room in the worst case.
        let needed = (hasOverlap ? 4 : 2) * shape.maximumSlots
        guard segmentCount >= 2, (segmentCount - 1) * inSegment >= needed else {
            let bytes = (needed + 2 * inSegment) * (layout.size + indexBytes)
            throw ReplayError(
                .capacity, "\(Self.bytes(settings.capacityBytes)) cannot hold \(hasOverlap ? "two rollouts" : "one rollout") of "
                    + "\(shape.maximumSlots) slots × \(shape.steps) steps, \(Self.bytes(layout.size)) each",
                place: "the replay's capacity", remedy: "Give it at least \(Self.bytes(bytes)).")
        }
        // Final observations take half the room in the worst case; sequences that only precede others are no items.
        let kept = (segmentCount - 1) * inSegment / (hasOverlap ? 4 : 2)
        try settings.check(shape, sequences: min(settings.maximumSequences ?? .max, kept))
    }

    /// - Throws: `ReplayError` if the machine does not have the bytes, `FileError` if the directory cannot be asked.
    func checkAvailable() throws {
        let (available, place, remedy): (Int?, String, String)
        switch settings.storage {
        case .memory:
            (available, place, remedy) = (AvailableSpace.memory(), "this machine's memory", "store it on disk")
        case .disk(let directory):
            try Files.createDirectory(directory)
            (available, place, remedy) = (try AvailableSpace.disk(directory), directory, "choose a directory on a larger disk")
        }
        guard let available, available < byteCount else { return }
        throw ReplayError(
            .capacity, "a replay of \(Self.bytes(byteCount)) where \(Self.bytes(available)) are available", place: place,
            remedy: "Lower its capacity, or \(remedy).")
    }

    /// "replay: 4.0 GiB hold 812,000 sequences of 80 steps (65.0 M steps)"
    public var description: String {
        let held = min(sequences, settings.maximumSequences ?? .max)
        let steps = Double(held * shape.steps)
        let length = shape.steps + settings.sequenceOverlap
        return "replay: \(Self.bytes(byteCount)) hold \(Self.grouped(held)) sequences of \(length) steps "
            + "(\(steps >= 1e6 ? "\(Self.tenths(steps / 1e6)) M" : Self.grouped(held * shape.steps)) steps)"
    }

    private static func bytes(_ count: Int) -> String {
        switch count {
        case (1 << 30)...: "\(tenths(Double(count) / 0x1p30)) GiB"
        case (1 << 20)...: "\(tenths(Double(count) / 0x1p20)) MiB"
        case (1 << 10)...: "\(tenths(Double(count) / 0x1p10)) KiB"
        default: "\(count) bytes"
        }
    }

    private static func tenths(_ value: Double) -> String {
        let units = Int((value * 10).rounded())
        return "\(units / 10).\(units % 10)"
    }

    private static func grouped(_ number: Int) -> String {
        let digits = Array(String(number))
        return digits.indices.reduce(into: "") { text, index in
            if index > 0 && (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digits[index])
        }
    }
}
