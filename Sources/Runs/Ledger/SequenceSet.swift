/// A set of sequence numbers as ascending disjoint ranges: a contiguous prefix costs one entry, however long it is.
struct SequenceSet: Equatable, Sendable {
    /// Neither overlapping nor adjacent.
    private(set) var ranges: [ClosedRange<UInt64>] = []
    private(set) var count: UInt64 = 0

    var last: UInt64 { ranges.last?.upperBound ?? 0 }

    func contains(_ sequence: UInt64) -> Bool {
        let index = firstRange(endingAtOrAfter: sequence)
        return index < ranges.count && ranges[index].lowerBound <= sequence
    }

    /// Adds every member of `range`; the number of those that were new.
    @discardableResult
    mutating func insert(_ range: ClosedRange<UInt64>) -> UInt64 {
        // All ranges that overlap or touch the new one become one with it.
        let low = firstRange(endingAtOrAfter: range.lowerBound == 0 ? 0 : range.lowerBound - 1)
        var high = low
        var merged = range
        var present: UInt64 = 0
        while high < ranges.count, ranges[high].lowerBound <= (range.upperBound == .max ? .max : range.upperBound + 1) {
            let other = ranges[high]
            if other.overlaps(range) { present += UInt64(other.clamped(to: range).count) }
            merged = min(merged.lowerBound, other.lowerBound) ... max(merged.upperBound, other.upperBound)
            high += 1
        }
        ranges.replaceSubrange(low ..< high, with: CollectionOfOne(merged))
        let added = UInt64(range.count) - present
        count += added
        return added
    }

    @discardableResult
    mutating func insert(_ sequence: UInt64) -> Bool { insert(sequence ... sequence) == 1 }

    @discardableResult
    mutating func remove(_ sequence: UInt64) -> Bool {
        let index = firstRange(endingAtOrAfter: sequence)
        guard index < ranges.count, ranges[index].contains(sequence) else { return false }
        let range = ranges[index]
        var parts: [ClosedRange<UInt64>] = []
        if range.lowerBound < sequence { parts.append(range.lowerBound ... sequence - 1) }
        if sequence < range.upperBound { parts.append(sequence + 1 ... range.upperBound) }
        ranges.replaceSubrange(index ... index, with: parts)
        count -= 1
        return true
    }

    private func firstRange(endingAtOrAfter sequence: UInt64) -> Int {
        // Almost every insertion is at the end.
        if let last = ranges.last, last.upperBound < sequence { return ranges.count }
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
