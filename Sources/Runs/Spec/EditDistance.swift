/// The names nearest to a misspelt one.
enum EditDistance {
    /// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment).
    static func between(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a), Array(b))
        var before: [Int] = []
        var row = Array(0 ... b.count)
        for i in 0 ..< a.count {
            var next = [i + 1]
            for j in 0 ..< b.count {
                var cost = min(row[j] + (a[i] == b[j] ? 0 : 1), row[j + 1] + 1, next[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
                next.append(cost)
            }
            (before, row) = (row, next)
        }
        return row[b.count]
    }

    /// The candidate with the fewest edits, the first of equals; nil when all are too far away to be what was meant.
    static func nearest(to name: String, among candidates: [String]) -> String? {
        candidates.map { (name: $0, edits: between(name.lowercased(), $0.lowercased())) }
            .min { $0.edits < $1.edits }
            .flatMap { $0.edits <= max(2, name.count / 2) ? $0.name : nil }
    }
}
