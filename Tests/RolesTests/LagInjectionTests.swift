import Learning
import Platform
import Runs
import Testing
import Wire

/// Runs in turns with data of a chosen age, and what is measured of them.
@Suite struct LagInjectionTests {
    private struct Result {
        let curve: RunCurve
        let weights: [UInt8]

        func metric(_ name: String) -> Double? { curve.metrics.first { $0.name == name }.map { Double($0.value) } }
        func lastMetric(_ name: String) -> Double? { curve.lastMetrics.first { $0.name == name }.map { Double($0.value) } }
    }

    /// 200 updates of 160 frames.
    private func train(_ lag: LagInjection, seed: UInt64 = 1, _ curve: RunCurve = RunCurve(points: 50, frames: 32_000, target: nil)) throws -> Result {
        let spec = Turns.spec(seed: seed) {
            $0.stop.frames = 32_000
            $0.stop.evaluationEpisodes = 0
            $0.stop.episodes = 20
        }
        let folder = try RuntimeFolder()
        let directory = try RunDirectory.create(runs: folder.path, name: "turns", spec: spec)
        var run = try LockstepRun(spec, directory: directory, lag: lag, curve: curve, catalogue: .standard)
        _ = try run.run { _ in }
        return Result(curve: run.curve!, weights: try Files.read("\(directory.checkpoints)/latest/weights.safetensors"))
    }

    @Test func theLagIsExact() throws {
        let (none, four, uniform) = (try train(.none), try train(.fixed(4)), try train(.uniform(through: 4)))
        #expect(none.metric("policy_lag_mean") == 0 && none.metric("effective_sample_size")! > 0.999999)
        // The first updates have only younger policies: 0, 1, 2, 3 and then 4.
        #expect(abs(four.metric("policy_lag_mean")! - (4 - 10.0 / 200)) < 1e-4 && four.lastMetric("policy_lag_mean") == 4)
        #expect(four.metric("effective_sample_size")! < 0.99999)
        #expect(abs(uniform.metric("policy_lag_mean")! - 2) < 0.4)
        #expect(none.weights != four.weights && four.weights != uniform.weights)
        for (lag, result) in [(LagInjection.none, none), (.fixed(4), four), (.uniform(through: 4), uniform)] {
            let again = try train(lag)
            #expect(again.weights == result.weights && again.curve.points == result.curve.points, "\(lag)")
        }
        #expect(try train(.fixed(0)).weights == none.weights && train(.uniform(through: 0)).weights == none.weights)
    }

    @Test func theCurveHasEqualSteps() throws {
        let result = try train(.none)
        #expect(result.curve.points.map(\.frames) == (1...50).map { UInt64($0 * 640) })
        let returns = result.curve.points.compactMap(\.trainingReturn)
        #expect(returns.count == 50 && result.curve.meanReturn == returns.reduce(0, +) / 50)
        #expect(result.curve.framesToTarget == nil && result.metric("loss")?.isFinite == true)
        // What is measured changes nothing; more points than updates are one for each of them.
        let fine = try train(.none, RunCurve(points: 1000, frames: 32_000, target: nil))
        #expect(fine.curve.points.count == 200 && fine.weights == result.weights)
    }

    @Test func theTargetIsReachedOnce() throws {
        let whole = try train(.none, RunCurve(frames: 32_000, target: 30))
        let ended = try train(.none, RunCurve(frames: 32_000, target: 30, endsAtTarget: true))
        let frames = try #require(whole.curve.framesToTarget)
        #expect(frames > 160 && frames < 32_000 && frames.isMultiple(of: 160))
        #expect(ended.curve.framesToTarget == frames && ended.curve.points.last?.frames == frames)
        #expect(ended.curve.points.last!.trainingReturn! >= 30 && whole.curve.points.last?.frames == 32_000)
    }
}
