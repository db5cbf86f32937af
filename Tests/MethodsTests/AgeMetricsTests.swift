import Methods
import Tensors
import Testing

/// Numbers by the age of the data.
@Suite struct AgeMetricsTests {
    let bench = LearnerBench()

    func ages(_ metrics: [String: Float], _ name: String) -> Set<String> {
        Set(metrics.keys.filter { $0.hasPrefix(name + "/lag_") }.map { String($0.dropFirst(name.count + 5)) })
    }

    @Test func onlyAgesThatOccurAreTold() throws {
        let (now, ages): (UInt64, [UInt64]) = (50, [0, 1, 2, 3, 4, 7, 8, 15, 16, 50])
        let all = bench.batch(versions: ages.map { now - $0 })
        let metrics = try bench.metrics(Method.decoupledPPO(), all, version: now)
        let names: Set<String> = ["0", "1", "2-3", "4-7", "8-15", "16+"]
        for name in ["effective_sample_size", "clip_fraction", "correction_truncated_share"] { #expect(self.ages(metrics, name) == names) }
        let some = try bench.metrics(Method.vtrace(), bench.batch(versions: [48, 50]), version: now)
        #expect(self.ages(some, "effective_sample_size") == ["0", "2-3"] && self.ages(some, "rho_clipped_share") == ["0", "2-3"])
        #expect(self.ages(some, "clip_fraction") == [])
        // A version of the future counts as new.
        #expect(try self.ages(bench.metrics(Method.vtrace(), bench.batch(versions: [51]), version: now), "effective_sample_size") == ["0"])
    }

    @Test func eachAgesNumbersAreThoseOfItsOwnRollouts() throws {
        let batch = bench.batch(versions: [9, 4, 9, 5])
        let metrics = try bench.metrics(Method.tis(correction: TruncatedImportance(cap: 1.1)), batch, version: 9)
        // Slots 0–3 and 8–11 are new, the others 4 and 5 updates old.
        let learner = bench.learner(Method.a2c())
        let parameters = learner.weights.parameters()
        let logProb = Evaluation(batch, bench.network, parameters: parameters, constants: parameters).logProb.values
        let ratios = zip(logProb, batch.behaviourLogProb.values).map { expOf(Double($0) - Double($1)) }
        for (name, isNew) in [("0", true), ("4-7", false)] {
            let own = ratios.indices.filter { ($0 % 16 < 4 || (8..<12).contains($0 % 16)) == isNew }.map { ratios[$0] }
            let (sum, squares) = (own.reduce(0, +), own.reduce(0) { $0 + $1 * $1 })
            #expect(abs(Double(metrics["effective_sample_size/lag_\(name)"]!) - sum * sum / (Double(own.count) * squares)) < 1e-5)
            #expect(abs(Double(metrics["correction_truncated_share/lag_\(name)"]!) - Double(own.count { $0 > 1.1 }) / Double(own.count)) < 1e-6)
        }
        let (new, old) = (metrics["correction_truncated_share/lag_0"]!, metrics["correction_truncated_share/lag_4-7"]!)
        #expect(abs(metrics["correction_truncated_share"]! - (new + old) / 2) < 1e-6)
    }

    /// Minibatches take their steps with them: the whole is the mean of the parts.
    @Test(arguments: [true, false]) func clippedStepsByAge(renews: Bool) throws {
        let batch = bench.batch(versions: [9, 1], shift: -1...1)
        let method = Method.appo(ProximalSettings(epochs: 1, minibatches: 1), corrects: true, renewsCredit: renews)
        let metrics = try bench.metrics(method, batch, version: 9)
        let (new, old) = (metrics["clip_fraction/lag_0"]!, metrics["clip_fraction/lag_8-15"]!)
        #expect(abs(metrics["clip_fraction"]! - (new + old) / 2) < 1e-6 && new != old)
        let many = try bench.metrics(
            Method.appo(ProximalSettings(epochs: 2, minibatches: 3), renewsCredit: renews), batch, version: 9)
        #expect(ages(many, "clip_fraction") == ["0", "8-15"])
    }
}
