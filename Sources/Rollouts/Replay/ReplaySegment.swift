import Glibc
import Platform

/// Memory for many sequences, from the system and back to it.
final class SegmentMemory: Sendable {
    let byteCount: Int
    /// An address, since pointers are not Sendable. One thread writes; others read what was written before they got hold of the segment.
    private let address: UInt

    var pointer: UnsafeMutableRawPointer { UnsafeMutableRawPointer(bitPattern: address)! }

    /// - Throws: `FileError` when the disk is full or the directory cannot be written to.
    init(byteCount: Int, storage: ReplayStorage) throws(FileError) {
        self.byteCount = byteCount
        switch storage {
        case .memory:
            let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let memory, memory != MAP_FAILED else { throw FileError("get \(byteCount) bytes of memory", "the replay", code: errno) }
            // Sequences are read at random: large pages need fewer translations of addresses. It may fail.
            if byteCount >= 4 << 20 { madvise(memory, byteCount, MADV_HUGEPAGE) }
            address = UInt(bitPattern: memory)
        case .disk(let directory):
            let path = "\(directory)/.replay-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw FileError("write", path, code: errno) }
            // The mapping keeps the file. Without a name it is gone with the process, also when that is killed.
            unlink(path)
            defer { close(file) }
            // All blocks now: a disk that is full later would end the process in the midst of a write to the mapping.
            let failure = posix_fallocate(file, 0, byteCount)
            guard failure == 0 else { throw FileError("reserve \(byteCount) bytes for the replay", directory, code: failure) }
            let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
            guard let memory, memory != MAP_FAILED else { throw FileError("map", directory, code: errno) }
            address = UInt(bitPattern: memory)
        }
    }

    deinit { munmap(pointer, byteCount) }
}

/// Sequences that were inserted one after the other. Records grow from the front, final observations from the back; what was written is
/// never changed, so a copy of this value may be read elsewhere while the next sequences are written behind it.
struct ReplaySegment: Sendable {
    var memory: SegmentMemory
    /// Of its first sequence; the others follow without gaps.
    let firstKey: UInt64
    private(set) var count = 0
    private(set) var finalCount = 0
    /// Of the whole segment, known once it was full and written to a checkpoint.
    let checksum = Guarded<String?>(nil)

    init(_ memory: SegmentMemory, firstKey: UInt64) {
        self.memory = memory
        self.firstKey = firstKey
    }

    var keys: Range<UInt64> { firstKey..<firstKey + UInt64(count) }

    func hasRoom(finals: Int, _ layout: SequenceLayout) -> Bool {
        (count + 1) * layout.size + (finalCount + finals) * layout.observationBytes <= memory.byteCount
    }

    func record(_ key: UInt64, _ layout: SequenceLayout) -> UnsafeMutableRawPointer {
        memory.pointer + Int(key - firstKey) * layout.size
    }

    /// A row of the final observations; the first one lies at the end.
    func final(_ row: Int, _ layout: SequenceLayout) -> UnsafeMutableRawPointer {
        memory.pointer + memory.byteCount - (row + 1) * layout.observationBytes
    }

    /// The place of one more sequence with `finals` final observations, for which there must be room.
    mutating func append(finals: Int, _ layout: SequenceLayout) -> (record: UnsafeMutableRawPointer, firstFinal: Int) {
        defer {
            count += 1
            finalCount += finals
        }
        return (record(firstKey + UInt64(count), layout), finalCount)
    }

    /// What a file holds of it: the records, then the final observations.
    func withParts<Result, Failure>(
        _ layout: SequenceLayout, _ body: ([UnsafeRawBufferPointer]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(memory) {} }
        let finals = finalCount * layout.observationBytes
        return try body([
            UnsafeRawBufferPointer(start: memory.pointer, count: count * layout.size),
            UnsafeRawBufferPointer(start: memory.pointer + memory.byteCount - finals, count: finals),
        ])
    }
}
