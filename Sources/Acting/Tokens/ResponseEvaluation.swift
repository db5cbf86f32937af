import Environments
import Networks
import Platform
import Rollouts
import Tensors
import Wire

/// What a token policy does with tasks that it was not trained on.
public struct ResponseEvaluationResult: Sendable {
    /// By task.
    public let groups: [ResponseGroup]

    public init(groups: [ResponseGroup]) { self.groups = groups }

    private var responses: [GroupResponse] { groups.flatMap(\.responses) }
    /// Responses to each task.
    public var samples: Int { groups.first?.responses.count ?? 0 }

    /// The chance that one of k responses is correct, estimated without bias from n ≥ k of each task (Chen et al., 2021):
    /// the mean over tasks of 1 − C(n − c, k) / C(n, k).
    public func passRate(at k: Int) -> Double {
        let rates = groups.map { group -> Double in
            let (n, c) = (group.responses.count, group.responses.count(where: \.isCorrect))
            guard n - c >= k else { return 1 }
            return 1 - (0..<k).reduce(1.0) { $0 * Double(n - c - $1) / Double(n - $1) }
        }
        return rates.isEmpty ? .nan : rates.reduce(0, +) / Double(rates.count)
    }

    public var meanLength: Double { mean { Double($0.tokens.count) } }
    public var meanReward: Double { mean { Double($0.reward) } }
    /// Of the tokens drawn: −log π, the entropy as it is estimated from draws, in nats.
    public var entropy: Double {
        let drawn = responses.flatMap { response in zip(response.logProbs, response.roles).filter { $1 == .policy || $1 == .control }.map { -Double($0.0) } }
        return drawn.isEmpty ? .nan : drawn.reduce(0, +) / Double(drawn.count)
    }
    /// Different responses to a task, as a share of its responses.
    public var diversity: Double {
        groups.isEmpty ? .nan : groups.reduce(0) { $0 + Double(Set($1.responses.map(\.tokens)).count) / Double($1.responses.count) } / Double(groups.count)
    }

    private func mean(_ number: (GroupResponse) -> Double) -> Double {
        responses.isEmpty ? .nan : responses.reduce(0) { $0 + number($1) } / Double(responses.count)
    }
}

/// Draws responses to tasks that are held out from training.
public struct ResponseEvaluation: Sendable {
    public var tasks: Int
    /// Responses to each task.
    public var samples: Int
    public var seed: UInt64

    public init(tasks: Int, samples: Int, seed: UInt64) {
        self.tasks = tasks
        self.samples = samples
        self.seed = seed
    }

    /// - Parameters:
    ///   - round: distinguishes evaluations of one run: no two draw with the same random numbers.
    ///   - greedy: the most probable token is taken every time; one response to each task.
    public func run(
        _ environment: EnvironmentSettings, _ assignment: TokenAssignment, weights: Weights, round: UInt32 = 0, greedy: Bool = false,
        on tasks: TokenSampler.Tasks = .heldOut,
        catalogue: TokenEnvironmentCatalogue = .current
    ) throws -> ResponseEvaluationResult {
        var tokens = assignment
        tokens.plan = GroupPlan(responses: greedy ? 0 : samples)
        tokens.plan.greedyBaseline = greedy
        tokens.plan.firstTokenIsControl = assignment.plan.firstTokenIsControl
        tokens.sampling.groups = self.tasks
        tokens.sampling.changes = .wait
        tokens.sampling.tasks = .uniform
        tokens.guidance = 0
        let actor = ActorAssignment(
            environment: environment, slots: min(max(self.tasks * max(samples, 1), 1), 256), unroll: 1, seed: seed, network: NetworkSettings(),
            tokens: tokens)
        let sampler = try TokenSampler(
            actor, tokens, place: MemberPlace(rank: .max, incarnation: round), tasks: tasks, catalogue: catalogue)
        weights.flat.withBuffer { sampler.load(UnsafeRawBufferPointer($0), version: 1) }
        let groups = try sampler.collect().groups
        return ResponseEvaluationResult(groups: groups.sorted { $0.task < $1.task })
    }
}
