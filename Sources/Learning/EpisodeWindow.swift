/// The last training episodes, for the mean that people judge a run by.
public struct EpisodeWindow: Sendable {
    private let capacity: Int
    private var returns: [Float] = []
    private var lengths: [Int32] = []
    private var next = 0
    /// Episodes seen, the forgotten ones included.
    public private(set) var total: UInt64 = 0

    /// - Parameter capacity: how many episodes the mean is over.
    public init(capacity: Int) { self.capacity = max(capacity, 1) }

    public mutating func append(returns newReturns: [Float], lengths newLengths: [Int32]) {
        for (value, length) in zip(newReturns, newLengths) {
            if returns.count < capacity {
                returns.append(value)
                lengths.append(length)
            } else {
                returns[next] = value
                lengths[next] = length
            }
            next = (next + 1) % capacity
            total += 1
        }
    }

    public var isFull: Bool { returns.count == capacity }
    /// nil before the first episode has ended.
    public var meanReturn: Double? { returns.isEmpty ? nil : returns.reduce(0) { $0 + Double($1) } / Double(returns.count) }
    public var meanLength: Double? { lengths.isEmpty ? nil : lengths.reduce(0) { $0 + Double($1) } / Double(lengths.count) }
}
