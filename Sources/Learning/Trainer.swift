import Acting
import Environments
import Methods
import Networks
import Platform
import Rollouts
import Runs
import Tensors

/// What one update did.
public struct UpdateReport {
    /// The version that the update made.
    public var version: UInt64
    public var frames: Int
    public var loss: Float
    public var gradientNorm: Float
    public var learningRate: Float
    public var metrics: [Metric]
    public var episodeReturns: [Float]
    public var episodeLengths: [Int32]
}

/// A loss or a gradient that is not a number: the update was refused, nothing has changed.
public struct NonFiniteUpdate: Remediable {
    /// The first tensor that went bad.
    public let tensor: String
    public let version: UInt64
    public let rollouts: [RolloutID]

    public var problem: String { "\(tensor) is not finite in the update after version \(version)" }
    public var place: String { "rollouts \(rollouts.map(\.description).joined(separator: ", "))" }
    public var remedy: String {
        """
        The batch is saved in the run directory. Lower optimizer.learning_rate or optimizer.clip_norm, or set learner.on_nonfinite to skip.
        """
    }
}

/// The learner's arithmetic: rollouts in, new weights out. It knows nothing of sockets, files or clocks, so that the serial and the
/// distributed learner are one.
public final class Trainer: Training {
    public let environment: ResolvedEnvironment
    public let network: any PolicyNetwork
    private let learner: any Learner
    private let trainsOnLive: Bool
    private let replay: ReplayFeed?
    package let spec: RunSpec
    /// What a rollout of this run looks like.
    package let shape: RolloutShape
    private var observationStatistics: ObservationStatistics?
    private var rewardScaling: RewardScaling

    /// The policy version: counts the updates.
    public private(set) var version: UInt64 = 0
    /// Environment steps trained on.
    public private(set) var frames: UInt64 = 0
    /// The oldest data that may be trained on, in updates.
    public private(set) var maxLag = 0
    private let staleness: Staleness

    /// The target policy's.
    public var weights: Weights { learner.weights }
    package var layout: ParameterLayout { network.layout }
    package var mismatchNetwork: (any PolicyNetwork)? { network }

    /// - Parameter folder: where a replay on the disk puts its files.
    public init(_ spec: RunSpec, catalogue: EnvironmentCatalogue, folder: String = ".") throws {
        self.spec = spec
        environment = try catalogue.resolve(spec.environment.settings)
        let algorithm = try spec.stepAlgorithm
        network = try environment.network(spec.networkSettings)
        learner = try algorithm.learner(LearnerSetting(network: network, optimizer: spec.optimizer.settings, seed: spec.seed))
        let data = try spec.dataPlan
        trainsOnLive = data.trainsOnLive
        let shape = RolloutShape(
            observation: network.observationSpace, action: network.actionSpace, stateCount: network.stateCount,
            policyCount: algorithm.needsBehaviourPolicy ? network.distribution.parameterCount : 0, steps: spec.actors.unroll,
            maximumSlots: spec.actors.slots)
        self.shape = shape
        replay = try data.replay.map { try ReplayFeed(data, $0, of: algorithm, spec, shape: shape, folder: folder) }
        observationStatistics = network.normalizesObservations ? ObservationStatistics(network) : nil
        rewardScaling = RewardScaling(spec.reward, discount: algorithm.discount)
        staleness = algorithm.staleness
        bound(maxLag: spec.learner.maxLag)
    }

    /// Changes the bound on policy lag; a method of class C keeps its own where that is tighter.
    public func bound(maxLag: Int) {
        self.maxLag =
            switch staleness {
            case .onPolicy(let bound): min(bound, maxLag)
            case .any, .anchored: maxLag
            }
    }

    /// One update: the rollouts that arrived go into the replay, if there is one, and the learner is trained on what the data plan says. The
    /// rollouts' observations count from the next version on: this one is trained with the statistics that acted.
    ///
    /// - Throws: `NonFiniteUpdate`: the batch that caused it has changed nothing, replayed batches before it have; or `RolloutError` for
    ///   rollouts that do not fit together.
    public func update(_ rollouts: [Rollout]) throws -> UpdateReport {
        let live = try RolloutBatch(rollouts, observationSpace: environment.observationSpace)
        var scaling = rewardScaling
        scaling.count(live)
        let progress = min(Double(frames) / Double(spec.stop.frames), 1)
        let rate = spec.optimizer.stepSize(version: version, progress: progress)
        var means = MetricMeans()
        var refused: Float = 0
        func train(_ batch: RolloutBatch) throws {
            var batch = batch
            batch.reward = scaling(batch)
            let moment = Moment(version: version, batch: means.count, learningRate: rate, progress: progress)
            let report = try learner.update(batch, at: moment)
            means.add([("loss", report.loss), ("gradient_norm", report.gradientNorm)] + report.metrics)
            try replay?.prioritize(batch, report.priorities)
        }
        do {
            if trainsOnLive {
                let old = replay?.plan.besideLive == true ? try replay!.beside(sequencesBeside(live), progress: progress) : nil
                try train(old.map { try RolloutBatch(concatenating: [live, $0]) } ?? live)
            }
            if let replay {
                try replay.insert(rollouts)
                while !replay.plan.besideLive, let batch = try replay.next(progress: progress) {
                    do { try train(batch) } catch is NonFiniteGradient where spec.learner.onNonfinite == .skip {
                        // The rollouts that have just arrived are not to blame: the update goes on, and the batch is drawn no more.
                        try replay.prioritize(batch, Array(repeating: 0, count: batch.slots))
                        refused += 1
                    }
                }
            }
        } catch let error as NonFiniteGradient {
            throw NonFiniteUpdate(tensor: error.tensor, version: version, rollouts: rollouts.map(\.id))
        }
        rewardScaling = scaling
        if observationStatistics != nil {
            observationStatistics!.add(live)
            observationStatistics!.write(to: learner.weights)
            if learner.behaviour !== learner.weights { observationStatistics!.write(to: learner.behaviour) }
        }
        version += 1
        frames += UInt64(live.frames)
        return UpdateReport(
            version: version, frames: live.frames, loss: means["loss"] ?? 0, gradientNorm: means["gradient_norm"] ?? 0, learningRate: rate,
            metrics: means.metrics(without: ["loss", "gradient_norm"]) + (replay.map { $0.metrics + [("replay_batches_refused", refused)] } ?? []), episodeReturns: live.episodeReturns,
            episodeLengths: live.episodeLengths)
    }

    /// How many replayed sequences stand beside the live ones of an update, so that the ratio holds exactly in the long run.
    private func sequencesBeside(_ live: RolloutBatch) -> Int {
        let before = Double(frames) / Double(live.steps)
        let ratio = replay!.plan.ratio
        return Int((before + Double(live.slots)) * ratio) - Int(before * ratio)
    }

    /// Whether checkpoints hold a replay.
    package var keepsReplay: Bool { replay != nil && spec.replay.saved }

    /// What one rollout may hold: a replay has room for the run file's slots.
    package var maximumSlots: Int { replay == nil ? 65536 : spec.actors.slots }

    /// How much the replay holds, in words; nil without one.
    package var announcement: String? { replay?.announcement }

    /// How many sequences were drawn from the replay so far; nil without one.
    package var samplesDrawn: Int? { replay?.buffer.limiter.counters.samples }

    /// What gradient steps wait for; nil when they do not.
    package var blocked: String? { replay?.blocked }

    /// The parameters that actors act with: [count] float32.
    public func published() -> SharedBytes { learner.behaviour.flat.withBuffer { SharedBytes(copying: UnsafeRawBufferPointer($0)) } }
}

// MARK: Checkpoints

extension Trainer {
    /// Everything that the arithmetic needs to go on: weights and optimiser by name, counters.
    package func snapshot() -> (weights: [Column], optimizer: [Column], statistics: JSON, replay: ReplaySnapshot?) {
        var statistics = [JSON.Member("reward", rewardScaling.moments.json)]
        if let observationStatistics { statistics.append(JSON.Member("observation", observationStatistics.moments.json)) }
        if let replay { statistics.append(JSON.Member("replay_drawn", .array(replay.drawn.map(JSON.integer)))) }
        return (weights.columns, learner.state, .object(statistics), spec.replay.saved ? replay?.buffer.snapshot() : nil)
    }

    /// Goes on from a snapshot.
    ///
    /// - Parameter store: where the replay's sequences lie; nil: the replay begins empty.
    package func restore(_ checkpoint: TrainingCheckpoint, replay store: ReplayStore? = nil) throws {
        if let replay, let store, let manifest = checkpoint.replayManifest {
            let drawn = checkpoint.statistics["replay_drawn"]?.array?.compactMap(\.integer) ?? []
            try replay.restore(manifest, from: store, drawn: drawn)
        }
        try weights.load(checkpoint.weights, place: "checkpoint \(checkpoint.version)")
        try learner.restore(checkpoint.optimizer)
        func moments(_ name: String, width: Int) throws(TrainingStateError) -> RunningMoments {
            guard let moments = RunningMoments(checkpoint.statistics[name], width: width) else {
                throw TrainingStateError(problem: "the statistics of the \(name)s are missing or damaged", version: checkpoint.version)
            }
            return moments
        }
        if spec.reward.normalize { rewardScaling.moments = try moments("reward", width: 1) }
        if observationStatistics != nil {
            observationStatistics!.moments = try moments("observation", width: network.observationSpace.count)
        }
        version = checkpoint.version
        frames = checkpoint.frames
    }
}

/// Saved weights that belong to another network.
public struct WeightsMismatch: Remediable {
    public let problem: String
    public let place: String
    public let remedy = "Use the run file that the weights were trained with: environment and network must be the same."
}

extension Weights {
    /// Takes over named parameters; all of this layout, and no others.
    public func load(_ columns: [Column], place: String) throws(WeightsMismatch) {
        guard columns.count == layout.specs.count else {
            throw WeightsMismatch(problem: "\(columns.count) parameters instead of \(layout.specs.count)", place: place)
        }
        for spec in layout.specs {
            guard let column = columns.first(where: { $0.name == spec.name }) else {
                throw WeightsMismatch(problem: "the parameter \(spec.name) is missing", place: place)
            }
            guard column.type == .float32, column.shape == spec.shape else {
                throw WeightsMismatch(
                    problem: "the parameter \(spec.name) is \(column.type) \(column.shape) instead of float32 \(spec.shape)", place: place)
            }
            guard column.bytes.withBytes(Tensors.allFinite) else {
                throw WeightsMismatch(problem: "the parameter \(spec.name) is not finite", place: place)
            }
            flat.rows(spec.offset..<spec.offset + spec.count).withMutableBuffer { parameter in
                column.bytes.withBytes { UnsafeMutableRawBufferPointer(parameter).copyMemory(from: $0) }
            }
        }
    }
}
