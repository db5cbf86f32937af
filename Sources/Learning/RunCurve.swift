import Methods
import Runs

/// How a run in turns went, measured at fixed numbers of frames: a function of the run's description alone, whatever the clock says.
public struct RunCurve: Sendable {
    public struct Point: Sendable, Equatable {
        /// Environment steps trained on.
        public var frames: UInt64
        /// The mean over the last `stop.episodes` training episodes; nil before the first one has ended.
        public var trainingReturn: Double?

        public init(frames: UInt64, trainingReturn: Double?) {
            self.frames = frames
            self.trainingReturn = trainingReturn
        }
    }

    public private(set) var points: [Point] = []
    /// Environment steps when the training return first was at the target, over a whole window of episodes; nil: it never was.
    public private(set) var framesToTarget: UInt64?

    private let target: Double?
    private let endsAtTarget: Bool
    private let interval: UInt64
    private var next: UInt64
    /// Of the updates since the last point.
    private var means = MetricMeans()
    /// One per point.
    private var metricsOfPoints: [[Metric]] = []

    /// - Parameters:
    ///   - points: over the whole run, at equal numbers of frames.
    ///   - frames: how long the run is.
    ///   - target: the training return that is to be reached.
    ///   - endsAtTarget: whether the run is over then.
    public init(points: Int = 100, frames: Int, target: Double?, endsAtTarget: Bool = false) {
        self.target = target
        self.endsAtTarget = endsAtTarget
        interval = UInt64(max(frames / max(points, 1), 1))
        next = interval
    }

    /// The run need not go on.
    var isOver: Bool { endsAtTarget && framesToTarget != nil }

    /// After an update.
    mutating func trained(frames: UInt64, episodes: EpisodeWindow, metrics: [Metric]) {
        means.add(metrics)
        if framesToTarget == nil, let target, episodes.isFull, (episodes.meanReturn ?? -.infinity) >= target { framesToTarget = frames }
        if frames >= next { mark(frames, episodes) }
    }

    /// After the last update.
    mutating func ended(frames: UInt64, episodes: EpisodeWindow) {
        if means.count > 0 { mark(frames, episodes) }
    }

    private mutating func mark(_ frames: UInt64, _ episodes: EpisodeWindow) {
        points.append(Point(frames: frames, trainingReturn: episodes.meanReturn))
        metricsOfPoints.append(means.metrics())
        means = MetricMeans()
        next = (frames / interval + 1) * interval
    }

    /// The mean of the training return over the run: the area under the curve. nil when no episode has ended.
    public var meanReturn: Double? {
        let returns = points.compactMap(\.trainingReturn)
        return returns.isEmpty ? nil : returns.reduce(0, +) / Double(returns.count)
    }

    /// Every metric's mean over the run.
    public var metrics: [Metric] { mean(metricsOfPoints[...]) }

    /// Every metric's mean over the last tenth of the points.
    public var lastMetrics: [Metric] { mean(metricsOfPoints.suffix(max((points.count + 9) / 10, 1))) }

    private func mean(_ metrics: ArraySlice<[Metric]>) -> [Metric] {
        var means = MetricMeans()
        for one in metrics { means.add(one) }
        return means.metrics()
    }
}
