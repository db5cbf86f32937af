import Acting
import Networks
import Platform
import Rollouts
import Runs
import Tensors

/// Responses of the initial policy to tasks that it solves every time, with their log-probabilities (DPH-RL, S127): kept with every checkpoint.
package struct StoredResponses {
    /// One response each, of the source `.dataset`; by task.
    private var groups: [ResponseGroup] = []
    private var tasks: Set<UInt32> = []

    package init() {}

    package init(_ groups: [ResponseGroup]) {
        self.groups = groups
        tasks = Set(groups.map(\.task))
    }

    /// Draws responses to every task of the run with the policy as it is now.
    init(_ spec: RunSpec, _ assignment: TokenAssignment, _ weights: Weights, tasks count: UInt32) throws {
        let evaluation = ResponseEvaluation(tasks: Int(count), samples: assignment.plan.storedAttempts, seed: spec.seed)
        let drawn = try evaluation.run(spec.environment.settings, assignment, weights: weights, on: .inOrder)
        self.init(
            drawn.groups.filter { $0.responses.allSatisfy(\.isCorrect) }.compactMap { group in
                guard var kept = group.responses.first else { return nil }
                kept.source = .dataset
                return ResponseGroup(
                    task: group.task, difficulty: group.difficulty, prompt: group.prompt, trainingPrompt: group.trainingPrompt, responses: [kept])
            })
    }

    package var count: Int { groups.count }
    package func has(_ task: UInt32) -> Bool { tasks.contains(task) }

    /// As many as make up this share of a batch, with so many others; none where nothing is stored.
    package func draw(beside others: Int, share: Float, seed: UInt64, version: UInt64) -> [ResponseGroup] {
        guard !groups.isEmpty, share > 0, share < 1 else { return [] }
        var stream = RandomKey(seed: seed, purpose: .replay).stream(slot: 0, episode: version)
        return (0..<Int((Float(others) * share / (1 - share)).rounded())).map { _ in groups[Int(stream.next() % UInt64(groups.count))] }
    }

    private static let prefix = "stored."

    /// As named columns; nothing where nothing is stored.
    package var columns: [Column] {
        guard !groups.isEmpty else { return [] }
        return ResponseBlock(groups, version: 1).columns(named: Self.prefix)
    }

    package init(columns: [Column], version: UInt64) throws(TrainingStateError) {
        let block = try ResponseBlock(columns: columns, named: Self.prefix, what: "the stored responses", version: version)
        self.init(block?.decoded(version: 1) ?? [])
    }
}
