/// Weights of numbered places, their sum, and the place at which a part of the sum lies: a tree in which every node holds the sum of its
/// sixteen children, two cache lines.
///
/// A change adds up the children of each node above anew. So the sums never drift: they are a function of the weights alone, whatever
/// happened before.
package struct WeightTree: Sendable {
    private static let fan = 16
    /// The weights, then the levels above them up to the root, each padded to whole families.
    private var nodes: [Double]
    /// Where each level begins in `nodes`.
    private let levels: [Int]

    /// Bytes of a tree of `count` places.
    static func byteCount(_ count: Int) -> Int { shape(count).size * 8 }

    private static func shape(_ count: Int) -> (levels: [Int], size: Int) {
        var levels: [Int] = []
        var (size, width) = (0, max(count, 1))
        while true {
            levels.append(size)
            guard width > 1 else { return (levels, size + 1) }
            let families = (width + fan - 1) / fan
            size += families * fan
            width = families
        }
    }

    package init(count: Int) {
        let (levels, size) = Self.shape(count)
        self.levels = levels
        nodes = Array(repeating: 0, count: size)
    }

    package var total: Double { nodes[nodes.count - 1] }

    package subscript(place: Int) -> Double { nodes[place] }

    package mutating func set(_ place: Int, _ weight: Double) {
        nodes.withUnsafeMutableBufferPointer { nodes in
            nodes[place] = weight
            var index = place
            for level in levels.indices.dropFirst() {
                let first = levels[level - 1] + index / Self.fan * Self.fan
                var sum = 0.0
                for child in first..<first + Self.fan { sum += nodes[child] }
                index /= Self.fan
                nodes[levels[level] + index] = sum
            }
        }
    }

    /// The place k with w₀ + … + w₍ₖ₋₁₎ ≤ position < w₀ + … + wₖ, up to rounding; never one whose weight is 0. `total` must be above 0.
    package func place(at position: Double) -> Int {
        nodes.withUnsafeBufferPointer { nodes in
            var (rest, index) = (position, 0)
            for level in levels.indices.dropLast().reversed() {
                let first = levels[level] + index * Self.fan
                var chosen = 0
                for child in 0..<Self.fan {
                    let weight = nodes[first + child]
                    guard weight > 0 else { continue }
                    chosen = child
                    if rest < weight { break }
                    // Rounding may leave a rest behind the last child, which is then the one.
                    rest -= weight
                }
                index = index * Self.fan + chosen
            }
            return index
        }
    }
}
