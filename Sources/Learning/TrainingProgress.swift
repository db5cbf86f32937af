import Acting
import Methods
import Platform
import Runs
import Wire

/// What the learner counts and averages between two records, and what it remembers of episodes and evaluations.
struct TrainingProgress {
    private let spec: RunSpec
    private(set) var state: TrainingState
    private(set) var episodes: EpisodeWindow
    private(set) var evaluatedVersion: UInt64?
    private(set) var evaluation: EvaluationResult?
    private var best: UInt64?
    var stale: UInt64 = 0
    var failed: UInt64 = 0
    var lost: UInt64 = 0
    var skipped: UInt64 = 0

    private let started: Time
    private var recorded: (time: Time, frames: UInt64, version: UInt64)
    private var nextEvaluation: UInt64 = 0
    private var means = MetricMeans()
    private var lag = (sum: 0.0, inFlight: 0.0, maximum: UInt64(0), count: 0)
    /// Rollouts by age.
    private var ages = [Int](repeating: 0, count: AgeBuckets.names.count)
    private var lastReport: UpdateReport?
    private var sequence: UInt64

    /// - Parameter sequence: of the last record that was made before.
    init(spec: RunSpec, state: TrainingState, trainer: any Training, sequence: UInt64 = 0, now: Time) {
        self.spec = spec
        self.state = state
        self.sequence = sequence
        episodes = EpisodeWindow(capacity: spec.stop.episodes)
        started = now
        recorded = (now, trainer.frames, trainer.version)
    }

    /// Seconds of training over all lives of the learner.
    func seconds(now: Time) -> Double { state.seconds + (now - started) }

    func stateNow(_ now: Time) -> TrainingState {
        var state = state
        state.seconds = seconds(now: now)
        return state
    }

    /// - Parameter lags: per rollout, its policy lag and the part of it that passed before it arrived, in updates.
    mutating func trained(_ report: UpdateReport, lags: [(total: UInt64, inFlight: UInt64)]) {
        for lag in lags {
            self.lag.sum += Double(lag.total)
            self.lag.inFlight += Double(min(lag.inFlight, lag.total))
            self.lag.maximum = max(self.lag.maximum, lag.total)
            self.lag.count += 1
            ages[AgeBuckets.index(age: lag.total)] += 1
        }
        episodes.append(returns: report.episodeReturns, lengths: report.episodeLengths)
        state.episodes += UInt64(report.episodeReturns.count)
        means.add([("loss", report.loss), ("gradient_norm", report.gradientNorm)] + report.metrics)
        lastReport = report
    }

    /// Whether the training return has reached the target, and enough was trained since it last did so in vain.
    func mayBeSolved(frames: UInt64) -> Bool {
        guard let target = spec.stop.return, episodes.isFull, frames >= nextEvaluation else { return false }
        return (episodes.meanReturn ?? -.infinity) >= target
    }

    /// An evaluation that the training return had called for: the next one waits until some more was trained.
    mutating func judged(frames: UInt64) { nextEvaluation = frames + UInt64(max(spec.stop.frames / 200, 1)) }

    mutating func evaluated(_ result: EvaluationResult, version: UInt64) {
        evaluation = result
        evaluatedVersion = version
        if result.meanReturn > state.bestReturn ?? -.infinity {
            state.bestReturn = result.meanReturn
            best = version
        }
    }

    /// Whether exactly this version has the best evaluation so far, not yet noted in the checkpoints.
    mutating func takeBest(version: UInt64) -> Bool {
        defer { best = nil }
        return best == version
    }

    func recordIsDue(now: Time) -> Bool { now - recorded.time >= spec.metrics.everySeconds }

    /// The averages since the last record.
    mutating func record(_ trainer: any Training, shares: [(name: String, share: Double)], outcome: Outcome?) -> Record {
        let (now, version, frames) = (Time.now, trainer.version, trainer.frames)
        let elapsed = max(now - recorded.time, 1e-9)
        var scalars = [
            Gauge("frames_per_second", Double(frames - recorded.frames) / elapsed),
            Gauge("updates_per_second", Double(version - recorded.version) / elapsed),
            Gauge("episodes", Double(state.episodes)), Gauge("seconds", seconds(now: now)),
        ]
        if let mean = episodes.meanReturn { scalars.append(Gauge("training_return", mean)) }
        if let mean = episodes.meanLength { scalars.append(Gauge("episode_length", mean)) }
        if let evaluation, let evaluatedVersion {
            scalars.append(Gauge("evaluation_return", evaluation.meanReturn))
            scalars.append(Gauge("evaluation_version", Double(evaluatedVersion)))
        }
        if lag.count > 0 {
            let count = Double(lag.count)
            scalars.append(Gauge("policy_lag_mean", lag.sum / count))
            scalars.append(Gauge("policy_lag_in_flight", lag.inFlight / count))
            scalars.append(Gauge("policy_lag_in_queue", (lag.sum - lag.inFlight) / count))
            scalars.append(Gauge("policy_lag_maximum", Double(lag.maximum)))
            scalars += zip(AgeBuckets.names, ages).map { Gauge("lag_share/\($0)", Double($1) / count) }
        }
        scalars += means.metrics().map { Gauge($0.name, Double($0.value)) }
        if let lastReport { scalars.append(Gauge("learning_rate", Double(lastReport.learningRate))) }
        scalars += shares.map { Gauge($0.name == ShareMeter.busy ? "learner_busy_share" : "learner_wait_share/\($0.name)", $0.share) }
        scalars += [
            Gauge("rollouts_stale", Double(stale)), Gauge("rollouts_failed", Double(failed)), Gauge("rollouts_lost", Double(lost)),
            Gauge("updates_skipped", Double(skipped)),
        ]
        recorded = (now, frames, version)
        means = MetricMeans()
        lag = (0, 0, 0, 0)
        ages = ages.map { _ in 0 }
        sequence += 1
        return Record(sequence: sequence, time: Time.wall, version: version, frames: frames, scalars: scalars, outcome: outcome)
    }
}
