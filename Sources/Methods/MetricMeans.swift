/// The means of named numbers over several gradient steps, in the order in which they first came.
public struct MetricMeans: Sendable {
    private var sums: [(name: String, sum: Double, count: Int)] = []
    private var places: [String: Int] = [:]
    /// How often numbers were added.
    public private(set) var count = 0

    public init() {}

    public mutating func add(_ metrics: [Metric]) {
        count += 1
        for metric in metrics {
            if let place = places[metric.name] {
                sums[place].sum += Double(metric.value)
                sums[place].count += 1
            } else {
                places[metric.name] = sums.count
                sums.append((metric.name, Double(metric.value), 1))
            }
        }
    }

    public subscript(name: String) -> Float? { places[name].map { Float(sums[$0].sum / Double(sums[$0].count)) } }

    public func metrics(without left: Set<String> = []) -> [Metric] {
        sums.filter { !left.contains($0.name) }.map { ($0.name, Float($0.sum / Double($0.count))) }
    }
}
