import Glibc
import Platform

extension ReplayStore {
    /// The replay that a checkpoint holds. Under the settings that it was written with it goes on as if nothing had happened: the same calls
    /// draw the same samples. Under others the new ones hold: of a smaller capacity the newest sequences, the stored priorities under
    /// another selector, the counters under another limiter.
    ///
    /// - Throws: `ReplayError` for damaged files, another environment and settings that cannot work; `FileError` when the system refuses.
    public func restore(_ manifest: ReplayManifest, _ settings: ReplaySettings, shape: RolloutShape) throws -> ReplayBuffer {
        let buffer = try ReplayBuffer(ReplayCapacity(settings, shape: shape), isReadOnly: false)
        try load(manifest, into: buffer, anew: false)
        return buffer
    }

    /// The sequences of the checkpoint that was last written to the directory, to be sampled only and as often as one likes; batches call
    /// them `.dataset`. The settings' limiter and `maximumTimesSampled` do not matter.
    ///
    /// - Throws: what `restore` throws.
    public func dataset(_ settings: ReplaySettings, shape: RolloutShape) throws -> ReplayBuffer {
        var settings = settings
        settings.limiter = .unlimited
        settings.maximumTimesSampled = nil
        let buffer = try ReplayBuffer(ReplayCapacity(settings, shape: shape), isReadOnly: true)
        try load(try manifest(), into: buffer, anew: true)
        return buffer
    }

    /// - Parameter anew: nothing was sampled before.
    private func load(_ manifest: ReplayManifest, into buffer: ReplayBuffer, anew: Bool) throws {
        let layout = buffer.capacity.layout
        guard manifest.layout == layout.description else {
            throw ReplayError(
                .mismatch, "it holds \(manifest.layout), the run makes \(layout.description)", place: "the replay in \(directory)",
                remedy: "Resume with the environment, network and actors.unroll that it was written with.")
        }
        let index = try read(manifest.index)
        // What cannot fit is not even read.
        let needed = manifest.state.nextKey - min(UInt64(buffer.capacity.sequences), manifest.state.nextKey)
        let segments = manifest.segments.drop { $0.firstKey + UInt64($0.sequences) <= needed }
        buffer.begin(at: segments.first?.firstKey ?? manifest.state.nextKey)
        for segment in segments {
            let bytes = try read(segment.file)
            try bytes.withUnsafeBytes { bytes in
                try load(segment, bytes, index, from: manifest.state.firstKey, into: buffer, anew: anew)
            }
        }
        buffer.resume(manifest.state)
    }

    private func load(
        _ segment: ReplayManifest.Segment, _ bytes: UnsafeRawBufferPointer, _ index: [UInt8], from firstKey: UInt64,
        into buffer: ReplayBuffer, anew: Bool
    ) throws {
        let layout = buffer.capacity.layout
        let path = "\(directory)/\(segment.file.name)"
        guard bytes.count == segment.sequences * layout.size + segment.finals * layout.observationBytes else {
            throw damaged(path, "\(bytes.count) bytes are not \(segment.sequences) sequences and \(segment.finals) final observations")
        }
        for row in 0..<segment.sequences {
            let key = segment.firstKey + UInt64(row)
            let record = bytes.baseAddress! + row * layout.size
            guard let header = SequenceHeader(record), UInt64(header.predecessorDistance) < key,
                Int(header.firstFinal) + Int(header.finalCount) <= segment.finals
            else { throw damaged(path, "the header of sequence \(key) is none") }
            let finals = (0..<Int(header.finalCount)).map {
                UnsafeRawPointer(bytes.baseAddress! + bytes.count - (Int(header.firstFinal) + $0 + 1) * layout.observationBytes)
            }
            if let problem = layout.problem(in: record, finals) { throw damaged(path, "sequence \(key): \(problem)") }
            let entry = Int(key - firstKey) * 8
            let (uses, priority) = index.withUnsafeBytes {
                ($0.loadUnaligned(fromByteOffset: entry, as: UInt32.self), $0.loadUnaligned(fromByteOffset: entry + 4, as: Float.self))
            }
            guard priority >= 0, priority.isFinite else { throw damaged(path, "sequence \(key) has a priority of \(priority)") }
            try buffer.takeBack(record, header, finals, uses: anew ? 0 : uses, priority: priority)
        }
    }
}

extension ReplayBuffer {
    /// The key of the first sequence that comes back.
    fileprivate func begin(at key: UInt64) {
        nextKey = key
        firstItem = key
    }

    /// Stores a record as it was.
    fileprivate func takeBack(
        _ record: UnsafeRawPointer, _ header: SequenceHeader, _ finals: [UnsafeRawPointer], uses: UInt32, priority: Float
    ) throws(FileError) {
        let place = try append(header, finals: finals.count, predecessorDistance: header.predecessorDistance)
        let start = SequenceHeader.byteCount
        memcpy(place.record + start, record + start, capacity.layout.size - start)
        copyFinals(finals, place.header)
        var uses = uses
        if uses == ReplayItems.leadless { uses = 0 }
        if uses != ReplayItems.gone, uses >= items.maximumUses { uses = ReplayItems.gone }
        addItem(place.key, predecessorDistance: header.predecessorDistance, uses: uses, priority: priority)
    }

    fileprivate func resume(_ state: ReplaySnapshot.State) {
        skipHoles()
        cursor = state.cursor
        sampleCalls = state.sampleCalls
        maximumPriority = state.maximumPriority
        staleUpdates = state.staleUpdates
        limiter.counters = state.counters
        // What the new settings have no room for was deleted; without an overlap there may be items that were none before.
        limiter.counters.inserts = max(limiter.counters.inserts, count)
        limiter.counters.deletes = limiter.counters.inserts - count
    }
}
