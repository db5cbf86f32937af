import Learning
import Platform
import Runs

/// What came out of a cell.
struct CellResult: Equatable {
    /// The mean return of evaluation episodes of the last version; nil where the run has none.
    var finalReturn: Double?
    /// The mean of the training return over the run; nil when no episode has ended.
    var meanReturn: Double?
    /// Environment steps until the training return first was at `stop.return`; nil: never.
    var framesToReturn: Int?
    var frames: Int
    var updates: Int
    var seconds: Double
    /// The learner's metrics, as means over the run. Those that are not finite are left out.
    var metrics: [(name: String, value: Double)]
    /// Their means over the last tenth of it.
    var lastMetrics: [(name: String, value: Double)]
    /// The training return at equal numbers of frames.
    var curve: [RunCurve.Point]

    static func == (a: CellResult, b: CellResult) -> Bool { a.json == b.json }

    var json: JSON {
        .object([
            .init("final_return", finalReturn.map(JSON.number) ?? .null), .init("mean_return", meanReturn.map(JSON.number) ?? .null),
            .init("frames_to_return", framesToReturn.map(JSON.integer) ?? .null), .init("frames", .integer(frames)),
            .init("updates", .integer(updates)), .init("seconds", .number(seconds)),
            .init("metrics", .object(metrics.map { .init($0.name, .number($0.value)) })),
            .init("last_metrics", .object(lastMetrics.map { .init($0.name, .number($0.value)) })),
            .init(
                "curve",
                .array(curve.map { .array([.integer(Int($0.frames)), $0.trainingReturn.map(JSON.number) ?? .null]) })),
        ])
    }

    /// Reads what `json` wrote; nil when it is anything else.
    init?(_ json: JSON) {
        guard let frames = json["frames"]?.integer, let updates = json["updates"]?.integer, let seconds = json["seconds"]?.number,
            let metrics = json["metrics"]?.object, let lastMetrics = json["last_metrics"]?.object, let curve = json["curve"]?.array
        else { return nil }
        finalReturn = json["final_return"]?.number
        meanReturn = json["mean_return"]?.number
        framesToReturn = json["frames_to_return"]?.integer
        (self.frames, self.updates, self.seconds) = (frames, updates, seconds)
        self.metrics = metrics.compactMap { member in member.value.number.map { (member.name, $0) } }
        self.lastMetrics = lastMetrics.compactMap { member in member.value.number.map { (member.name, $0) } }
        self.curve = curve.compactMap { point in
            guard let pair = point.array, pair.count == 2, let frames = pair[0].integer, frames >= 0 else { return nil }
            return RunCurve.Point(frames: UInt64(frames), trainingReturn: pair[1].number)
        }
    }

    init(_ result: RunResult, _ curve: RunCurve, seconds: Double) {
        finalReturn = result.evaluationReturn
        meanReturn = curve.meanReturn
        framesToReturn = curve.framesToTarget.map { Int($0) }
        (frames, updates) = (Int(result.frames), Int(result.version))
        self.seconds = seconds
        metrics = curve.metrics.filter(\.value.isFinite).map { ($0.name, Double($0.value)) }
        lastMetrics = curve.lastMetrics.filter(\.value.isFinite).map { ($0.name, Double($0.value)) }
        self.curve = curve.points
    }
}
