import Methods
import Platform

/// What the numbers say of one verdict.
package struct Judgement {
    package enum Answer: String {
        case holds
        case doesNotHold = "does not hold"
        case undecided
        /// A seed of one of the arms has failed.
        case notMeasured = "not measured"
    }

    package let answer: Answer
    /// By how much it holds, of the means over the seeds: above 0 is in the claim's favour. nil when it was not measured.
    package private(set) var margin: Double?
    /// The 90 % interval of that.
    package private(set) var interval: ClosedRange<Double>?

    /// - Parameters:
    ///   - a: the first arm.
    ///   - b: the second.
    ///   - complete: whether every seed of both has been measured.
    package init(_ verdict: Proof.Verdict, _ a: Seeds, _ b: Seeds, lessIsBetter: Bool, complete: Bool) {
        guard complete, let first = a.mean, let second = b.mean else {
            answer = .notMeasured
            return
        }
        let margin: (Double, Double) -> Double = { a, b in
            switch verdict {
            case .better: lessIsBetter ? b - a : a - b
            case .atLeast(let share, _, _): a - Self.part(share, of: b)
            case .below(let share, _, _): Self.part(share, of: b) - a
            }
        }
        let interval = bootstrap(a, b, margin)
        self.margin = margin(first, second)
        self.interval = interval
        // "At least" includes being equal, the other two do not.
        let reaches = if case .atLeast = verdict { interval.lowerBound >= 0 } else { interval.lowerBound > 0 }
        let misses = if case .atLeast = verdict { interval.upperBound < 0 } else { interval.upperBound <= 0 }
        if a.values.count < 2 || b.values.count < 2 {
            // One seed has no spread to judge by.
            answer = .undecided
        } else {
            answer = reaches ? .holds : misses ? .doesNotHold : .undecided
        }
    }

    /// See `Proof.Verdict`: of what is below 0, a share lies further down.
    private static func part(_ share: Double, of value: Double) -> Double { value >= 0 || share == 0 ? share * value : value / share }
}

extension Proof.Verdict {
    var sentence: String {
        switch self {
        case .better(let a, let b): "\(a) is better than \(b)"
        case .atLeast(let share, let a, let b): "\(a) has at least \(Format.decimal(share, 2)) of \(b)"
        case .below(let share, let a, let b): "\(a) has less than \(Format.decimal(share, 2)) of \(b)"
        }
    }
}
