import Runs

/// A run's training return over the frames that it was trained on.
struct ReturnCurve {
    /// By ascending frames.
    private var points: [(frames: Double, value: Double)] = []

    /// What a rewind undid is no part of the curve: the frames were trained again.
    init(_ records: [MetricsRecord]) {
        for record in records {
            guard let value = record.value("training_return") else { continue }
            while let last = points.last, last.frames >= Double(record.frames) { points.removeLast() }
            points.append((Double(record.frames), value))
        }
    }

    var frames: Double { points.last?.frames ?? 0 }

    /// The mean at so many equally distant places between two shares of `frames`.
    func mean(over frames: Double, from first: Double, to last: Double, places: Int = 20) -> Double? {
        let values = (0...places).compactMap { value(at: frames * (first + (last - first) * Double($0) / Double(places))) }
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// Between two points on a straight line; nil where there is no point before.
    private func value(at frames: Double) -> Double? {
        guard let after = points.firstIndex(where: { $0.frames >= frames }) else { return points.last?.value }
        guard after > 0 else { return points[0].frames == frames ? points[0].value : nil }
        let (a, b) = (points[after - 1], points[after])
        return a.value + (b.value - a.value) * (frames - a.frames) / (b.frames - a.frames)
    }
}

/// Whether disturbed runs have learned as undisturbed ones do.
///
/// Two numbers of each run: the return averaged over all frames (how fast it learned) and over the last fifth of them (how far it came). The mean
/// over the disturbed runs must not lie below the lowest undisturbed one by more than the undisturbed ones differ among each other, or a tenth of
/// the highest of them if that is more; and by chance, which falls with the number of runs n: another tenth / √n. A single run that learns a
/// little later is no damage.
struct CurveComparison {
    struct Part {
        let name: String
        let disturbed: Double
        let undisturbed: ClosedRange<Double>
        /// Disturbed ones.
        let runs: Int

        var floor: Double {
            let spread = undisturbed.upperBound - undisturbed.lowerBound
            let highest = max(abs(undisturbed.lowerBound), abs(undisturbed.upperBound))
            return undisturbed.lowerBound - max(spread, 0.1 * highest) - 0.1 * highest / Double(runs).squareRoot()
        }
        var holds: Bool { disturbed >= floor }
    }

    /// Empty when a curve has no point.
    let parts: [Part]

    init(disturbed: [ReturnCurve], undisturbed: [ReturnCurve]) {
        let frames = (disturbed + undisturbed).map(\.frames).min() ?? 0
        parts = [("over all frames", 0.0), ("over the last fifth", 0.8)].compactMap { name, first in
            let mine = disturbed.compactMap { $0.mean(over: frames, from: first, to: 1) }
            let others = undisturbed.compactMap { $0.mean(over: frames, from: first, to: 1) }
            guard !mine.isEmpty, let low = others.min(), let high = others.max() else { return nil }
            return Part(name: name, disturbed: mine.reduce(0, +) / Double(mine.count), undisturbed: low...high, runs: mine.count)
        }
    }

    var holds: Bool { !parts.isEmpty && parts.allSatisfy(\.holds) }
}
