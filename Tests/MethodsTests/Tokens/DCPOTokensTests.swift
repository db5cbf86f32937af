import Methods
import Rollouts
import Testing

/// DCPO for tokens (S066).
@Suite struct DCPOTokensTests {
    private func visit(_ rewards: [Float], _ records: inout TaskRecords) -> [Float] {
        let work = TokenGroups.work([TokenGroups.group(rewards, length: 1)], for: .dcpoTokens(), records: records)
        records.write(work.kept)
        return work.advantage
    }

    @Test func firstVisitIsGRPO() {
        for rewards in [[1, 0, 0, 1], [1, 1, 1, 0.3], [0.2, 0.2, 0.2, 0.2]] as [[Float]] {
            var records = TaskRecords()
            let grpo = TokenGroups.work([TokenGroups.group(rewards, length: 1)], for: .grpo()).advantage
            #expect(visit(rewards, &records) == grpo)
            #expect(records[0, "dcpo"]![2...] == [1, 4])
        }
    }

    /// What an update before has counted is compared with, and not counted again; neither is it by Kimi's record.
    @Test func replayedResponsesAreCountedOnce() {
        var group = TokenGroups.group([1, 0, 0, 1], length: 1)
        group.responses[0].source = .replay
        let work = TokenGroups.work([group], for: .dcpoTokens())
        let fresh = GroupStatistics([0, 0, 1] as [Float])
        #expect(work.kept.first?.values == [fresh.mean, fresh.deviation * fresh.deviation, 1, 3])
        #expect(work.advantage[0] == work.advantage[3] && work.advantage[0] > 0)
        var kimi = TokenWork(ResponseBatch([group]), moment: Moment(version: 1, learningRate: 0, progress: 0))
        SuccessRecord().apply(&kimi)
        #expect(kimi.kept.first?.values == [1, 3])
    }

    /// The record is mean and variance of all rewards there have been, also of groups of several sizes.
    @Test func recordIsOfAllRewards() {
        let visits: [[Float]] = [[1, 0, 0, 1], [1, 1, 1, 0], [0, 0], [1, 1, 0.5]]
        var records = TaskRecords()
        for (count, rewards) in visits.enumerated() {
            _ = visit(rewards, &records)
            let all = GroupStatistics(visits[...count].joined().map { $0 })
            let record = records[0, "dcpo"]!
            #expect(abs(record[0] - all.mean) < 1e-6 && abs(record[1] - all.deviation * all.deviation) < 1e-6)
            #expect(record[2] == Float(count + 1) && record[3] == Float(all.count))
        }
        // The published rule for groups of one size: by visits.
        let (first, second) = (GroupStatistics([1, 0, 0, 1] as [Float]), GroupStatistics([1, 1, 1, 0] as [Float]))
        let pooled = SmoothStandardization.pooled(SmoothStandardization.pooled(nil, first), second)
        let difference = second.mean - first.mean
        let published = (first.deviation * first.deviation + second.deviation * second.deviation + 0.5 * difference * difference) / 2
        #expect(abs(pooled[1] - published) < 1e-6 && abs(pooled[0] - (first.mean + second.mean) / 2) < 1e-6)
    }

    @Test func smoothing() {
        let visits: [[Float]] = [[1, 0, 0, 1], [1, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 1]]
        var records = TaskRecords()
        for (count, rewards) in visits.enumerated() {
            let found = visit(rewards, &records)
            let (now, all) = (GroupStatistics(rewards), GroupStatistics(visits[...count].joined().map { $0 }))
            let i = Double(count + 1)
            for (advantage, reward) in zip(found, rewards) {
                let fresh = now.sampleDeviation == 0 ? 0 : Double(reward - now.mean) / Double(now.sampleDeviation + 1e-6)
                let total = Double(reward - all.mean) / Double(all.sampleDeviation + 1e-6)
                let candidates = [(i - 1) / i * fresh + total / i, fresh / i + (i - 1) / i * total]
                #expect(abs(Double(advantage) - candidates.min { abs($0) < abs($1) }!) < 1e-4)
                // Equal rewards still teach, but less with every visit.
                if now.sampleDeviation == 0 { #expect(advantage != 0 && abs(Double(advantage)) <= abs(total) / i + 1e-6) }
            }
        }
    }

    /// A task twice in one batch is two visits, and one record.
    @Test func visitsOfOneBatchFollowEachOther() {
        var records = TaskRecords()
        _ = visit([1, 0, 0, 1], &records)
        let second = visit([1, 1, 1, 0], &records)
        let work = TokenGroups.work([TokenGroups.group([1, 0, 0, 1], length: 1), TokenGroups.group([1, 1, 1, 0], length: 1)], for: .dcpoTokens())
        #expect(work.kept.count == 1 && work.kept[0].values == records[0, "dcpo"]! && Array(work.advantage[4...]) == second)
        // A batch that is not trained on leaves nothing behind.
        #expect(work.records.isEmpty)
    }

    @Test func limits() {
        let table: [(q: Float, low: Float, high: Float)] = [(0.9, 0.7687, 1.1872), (0.01, 0.5, 5), (1e-6, 0.5, 10)]
        var work = TokenGroups.work([TokenGroups.group([1], length: 3)])
        work.proximal = table.map { Float(logOf(Double($0.q))) }
        DynamicBounds().apply(&work)
        for (place, row) in table.enumerated() {
            #expect(abs(work.lowerBound[place] - row.low) < 1e-4 && abs(work.upperBound[place] - row.high) < 1e-3)
        }
        // They are those that the clip stops at.
        work.setAdvantage(1, of: 0)
        func slope(_ ratio: Double) -> [Float] { TokenClip().slope(TokenStep(work, logProb: work.proximal.map { $0 + Float(logOf(ratio)) })).logProb }
        #expect(slope(1.18)[0] != 0 && slope(1.2)[0] == 0 && slope(4.9)[1] != 0 && slope(5.1)[1] == 0 && slope(9.9)[2] != 0 && slope(10.1)[2] == 0)
    }

    /// The sum over responses of their means: nothing is divided by the batch.
    @Test func onlyTokenMean() {
        let groups = [ResponseGroup(task: 0, prompt: [0], responses: [TokenGroups.response(1, length: 2), TokenGroups.response(0, length: 5)])]
        let work = TokenGroups.work(groups, for: .dcpoTokens())
        let found = TokenGroups.gradient(.dcpoTokens(), TokenStep(work, logProb: work.proximal))
        for (token, slope) in found.enumerated() { #expect(abs(slope + work.advantage[token] / (token < 2 ? 2 : 5)) < 1e-6) }
        #expect(TokenMethod.dcpoTokens().terms.compactMap { $0 as? TokenClip }[0].dual == 10)
    }
}
