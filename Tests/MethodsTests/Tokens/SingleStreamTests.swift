import Methods
import Networks
import Rollouts
import TestSupport
import Testing

/// Single-stream policy optimisation (S101).
@Suite struct SingleStreamTests {
    private func updated(_ credit: SingleStream, _ reward: Float, _ records: inout TaskRecords, recalled: Float? = nil) {
        let groups = [TokenGroups.group([reward], task: 4)]
        var work = TokenGroups.work(groups, records: records)
        for group in credit.recalls(work.batch, records) { work.recalled[group] = [Float](repeating: recalled ?? -1, count: 3) }
        credit.apply(&work)
        records.write(work.kept)
    }

    /// With nothing forgotten, the tracker is Bayes' rule for the rate of a coin, from Beta(½, ½).
    @Test func withoutForgettingItIsARunningMean() {
        var credit = SingleStream()
        credit.mostMemory = 1
        var (records, successes) = (TaskRecords(), Float(0))
        for visit in 1...20 {
            let reward: Float = visit % 3 == 0 ? 1 : 0
            successes += reward
            updated(credit, reward, &records)
            #expect(records[4, "spo.tracker"] == [0.5 + successes, 0.5 + Float(visit) - successes, Float(visit)])
            #expect(abs(SingleStream.rate(4, records) - (0.5 + successes) / Float(visit + 1)) < 1e-6)
        }
        #expect(SingleStream.rate(5, records) == 0.5)
    }

    @Test func driftForgets() {
        var credit = SingleStream()
        #expect(credit.memory(0) == 0.96 && credit.memory(1) == 0.875)
        (credit.leastMemory, credit.mostMemory) = (0, 1)
        #expect(abs(credit.memory(0.06) - 0.5) < 1e-6 && abs(credit.memory(0.12) - 0.25) < 1e-6)
        // The log-probabilities of the previous response were −1 and are −1.06 now: half is left.
        var records = TaskRecords()
        updated(credit, 1, &records)
        let first = records[4, "spo.tracker"]!
        updated(credit, 0, &records, recalled: -1.06)
        let second = records[4, "spo.tracker"]!
        #expect(abs(second[0] - first[0] / 2) < 1e-5 && abs(second[1] - (first[1] / 2 + 1)) < 1e-5)
        #expect(records[4, "spo.response"] == [0, 1, 2, -1, -1, -1])
    }

    /// With a constant memory ρ, what is known is a mean with a window of 1 / (1 − ρ) draws.
    @Test func stationary() {
        var credit = SingleStream()
        (credit.leastMemory, credit.mostMemory) = (0.95, 0.95)
        var (records, dice, mean) = (TaskRecords(), TestSupport.Dice(5), 0.0)
        for visit in 0..<4000 {
            updated(credit, dice.chance(0.3) ? 1 : 0, &records)
            if visit >= 200 { mean += Double(SingleStream.rate(4, records)) / 3800 }
        }
        let known = records[4, "spo.tracker"]!
        #expect(abs(known[0] + known[1] - 20) < 1e-3 && abs(mean - 0.3) < 0.03)
    }

    @Test func advantages() throws {
        var records = TaskRecords()
        records.write([(0, "spo.tracker", [3, 1, 4]), (1, "spo.tracker", [1, 3, 4])])
        let rewards: [Float] = [1, 1, 0]
        let groups = rewards.enumerated().map { TokenGroups.group([$0.element], task: UInt32($0.offset)) }
        let method = try tokenMethod("spo")
        let work = TokenGroups.work(groups, for: method, records: records)
        // 1 − ¾, 1 − ¼, 0 − ½; then mean 0 and variance 1 over the batch.
        let raw: [Float] = [0.25, 0.75, -0.5]
        let statistics = GroupStatistics(raw)
        for (index, advantage) in raw.enumerated() {
            #expect(abs(work.advantage[3 * index] - (advantage - statistics.mean) / statistics.sampleDeviation) < 1e-5)
        }
        // Once per task and name, whatever the batch holds.
        let twice = TokenGroups.work(groups + groups, for: method, records: records)
        #expect(Set(twice.kept.map { "\($0.task) \($0.name)" }).count == twice.kept.count)
        let tracker = try #require(twice.kept.first { $0.task == 0 && $0.name == "spo.tracker" })
        #expect(abs(tracker.values[0] - (0.96 * 3 + 2)) < 1e-5 && abs(tracker.values[1] - 0.96) < 1e-5 && tracker.values[2] == 6)
        #expect(method.plan.responses == 1)
    }

    @Test func priorsAndDraws() throws {
        let prior = SingleStream().prior(successes: 6, of: 8)
        #expect(abs(prior[0] - 8 * 6.5 / 9) < 1e-5 && abs(prior[1] - 8 * 2.5 / 9) < 1e-5)
        var records = TaskRecords()
        records.write([(7, "spo.tracker", prior), (8, "spo.tracker", [1, 0, 1])])
        let weight = try #require(try tokenMethod("spo").taskWeight)
        let p = prior[0] / (prior[0] + prior[1])
        #expect(abs(weight(7, records) - ((p * (1 - p)).squareRoot() + 0.05)) < 1e-6)
        #expect(abs(weight(8, records) - 0.05) < 1e-6 && abs(weight(99, records) - 0.55) < 1e-6)
    }

    /// The learner says how far the policy has moved since a task's last response; what is kept outlives a restart.
    @Test func learnerRecallsResponses() throws {
        let method = try tokenMethod("spo")
        let learner = try TinyLearner.make(method)
        let groups = [TokenGroups.group([1], task: 3, length: 4), TokenGroups.group([0], task: 5, length: 2)]
        let first = try learner.update(groups, at: Moment(learningRate: 0.01))
        #expect(first.metrics.first { $0.name == "task_drift" }?.value == 0)
        let now = learner.evaluate(groups, learner.weights).logProb
        let moved: [Float] = now.map { abs($0 + 1) }
        let expected: Float = (moved[..<4].reduce(0, +) / 4 + moved[4...].reduce(0, +) / 2) / 2
        let again = try TinyLearner.make(method)
        again.weights.flat.withMutableBuffer { copy in learner.weights.flat.withBuffer { _ = copy.update(fromContentsOf: $0) } }
        try again.restore(learner.state)
        #expect(again.records == learner.records)
        for learner in [learner, again] {
            let second = try learner.update(groups, at: Moment(version: 1, learningRate: 0.01))
            let drift = try #require(second.metrics.first { $0.name == "task_drift" }?.value)
            #expect(abs(drift - expected) < 1e-5)
        }
    }
}
