import Learning
import Methods
import Platform
import Runs

/// The cells of a lag sweep: correction × lag × seed.
struct LagSweep {
    let base: RunSpec
    let corrections: [(correction: LagCorrection, spec: RunSpec)]
    let lags: [Int]
    let seeds: Int
    let cells: [Cell]

    /// What is measured, for people.
    var measure: String { base.isTokenRun ? "accuracy" : "return" }
    /// What a run's length is counted in.
    var unit: String { base.isTokenRun ? "tokens" : "frames" }

    /// - Parameters:
    ///   - chosen: options of methods that the user has set by name.
    ///   - injection: how a lag is made.
    init(
        _ base: RunSpec, corrections: [LagCorrection], chosen: Set<String>, lags: [Int], seeds: Int, injection: (Int) -> LagInjection
    ) throws {
        self.base = base
        self.lags = lags
        self.seeds = seeds
        self.corrections = try corrections.map { ($0, try $0.applied(to: base, chosen: chosen)) }
        for name in chosen.sorted() where !self.corrections.contains(where: { $0.spec.method.options[name] != nil }) {
            let known = Set(try corrections.flatMap { try MethodCatalogue.current.method(id: $0.method).options.map(\.name) }).sorted()
            throw LagSweepError(
                problem: "none of the corrections has an option \"\(name)\"", place: "--set method.options.\(name)",
                remedy: (nearest(to: name, in: known).map { "Did you mean \($0)? " } ?? "") + "There are: \(known.joined(separator: ", ")).")
        }
        if base.isTokenRun { for (correction, spec) in self.corrections { try Self.check(lags, correction, spec) } }
        var cells: [Cell] = []
        for (correction, spec) in self.corrections {
            for lag in lags {
                for seed in 1...seeds {
                    var spec = spec
                    spec.seed = UInt64(seed)
                    // A token that is older than the bound would count for nothing.
                    if base.isTokenRun { spec.learner.maxLag = max(spec.learner.maxLag, lags.last ?? 0) }
                    cells.append(Cell("\(correction.name), lag \(lag), seed \(seed)", spec, lag: injection(lag)))
                }
            }
        }
        self.cells = cells
    }

    /// A method for token policies leaves tokens out that are older than it can take.
    private static func check(_ lags: [Int], _ correction: LagCorrection, _ spec: RunSpec) throws {
        guard case .onPolicy(let bound) = try spec.tokenMethod.staleness, let lag = lags.last, lag > bound else { return }
        throw LagSweepError(
            problem: "\(correction.name) (\(spec.method.id)) takes no data that is older than \(bound) updates", place: "--lags",
            remedy: "Ask for lags up to \(bound), or leave this correction out.")
    }

    /// The cells of a correction and a lag, as numbers into `cells`.
    func indices(correction: Int, lag: Int) -> Range<Int> {
        let first = (correction * lags.count + lag) * seeds
        return first..<first + seeds
    }

    /// What is the same for all, and what is not.
    func heading(_ distribution: String) -> String {
        let rate = "learning rate \(base.optimizer.learningRate) (\(base.optimizer.schedule.rawValue))"
        let lines = corrections.map { correction, spec in
            let options = spec.method.options.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.number($0.value))" }
            return "  \(correction.name): \(spec.method.id) with \(options.joined(separator: " "))"
        }
        return """
            \(base.environment.id), \(Format.count(Double(base.stop.frames))) \(unit), \(seeds) seeds, \(distribution) lag, \(rate) for all
            \(lines.joined(separator: "\n"))
            """
    }

    private static func number(_ value: Double) -> String { Int(exactly: value).map { "\($0)" } ?? "\(value)" }
}

/// A sweep that cannot be run as asked.
struct LagSweepError: Remediable {
    let problem: String
    let place: String
    let remedy: String
}
