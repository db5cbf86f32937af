/// The known name that was probably meant by `name`: the one with the smallest edit distance, unless even that one has little in common
/// with it.
///
/// Letter case does not count. Of equally near names the first wins. Used by every error that refuses an unknown name.
public func nearest(to name: String, in known: [String]) -> String? {
    let best = known.map { (name: $0, distance: editDistance(name.lowercased(), $0.lowercased())) }.min { $0.distance < $1.distance }
    guard let best, best.distance * 2 <= max(name.count, best.name.count) else { return nil }
    return best.name
}

/// How many insertions, deletions, substitutions and swaps of neighbours lead from `a` to `b` (optimal string alignment).
func editDistance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 0..<a.count {
        var row = [i + 1]
        for j in 0..<b.count {
            var distance = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { distance = min(distance, beforeLast[j - 1] + 1) }
            row.append(distance)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}
