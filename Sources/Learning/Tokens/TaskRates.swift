import Environments
import Platform
import Rollouts
import Runs

/// How often tasks and levels are solved, as running means: what curricula go by. Counted once per group, and saved with the weights.
struct TaskRates {
    private let curriculum: TokensSection.Curriculum
    /// Running success rates; ½ where nothing is known.
    private(set) var rates: [Float]
    /// Of a new observation in a running mean.
    private static let share: Float = 0.1
    /// A level is solved at this rate.
    private static let solved: Float = 0.8

    init(_ environment: any TokenEnvironment, _ curriculum: TokensSection.Curriculum) {
        self.curriculum = curriculum
        let count =
            switch curriculum {
            case .none: 0
            case .ascending: environment.levels
            case .uncertain, .hardest: Int(environment.taskCount)
            }
        rates = [Float](repeating: curriculum == .ascending ? 0 : 0.5, count: count)
    }

    mutating func count(_ groups: [ResponseGroup]) {
        guard !rates.isEmpty else { return }
        for group in groups {
            let judged = group.responses.filter(\.isFresh)
            guard !judged.isEmpty else { continue }
            let rate = Float(judged.count(where: \.isCorrect)) / Float(judged.count)
            let index = curriculum == .ascending ? Int(group.difficulty) : Int(group.task)
            rates[index] += Self.share * (rate - rates[index])
        }
    }

    /// What actors draw tasks by, as `SamplingSettings.Tasks` says.
    var weights: [Float] {
        switch curriculum {
        case .none: return []
        case .uncertain: return rates.map { ($0 * (1 - $0)).squareRoot() + 0.05 }
        case .hardest: return rates.map { max(1 - $0, 0.01) }
        case .ascending:
            // The levels that are solved are still seen now and then: what is not practised is forgotten.
            let reached = rates.firstIndex { $0 < Self.solved } ?? rates.count - 1
            return rates.indices.map { $0 == reached ? 1 : $0 < reached ? 0.25 : 0 }
        }
    }

    var json: JSON { .array(rates.map { .number(Double($0)) }) }

    mutating func restore(_ json: JSON?, version: UInt64) throws(TrainingStateError) {
        guard !rates.isEmpty else { return }
        let saved = json?.array?.compactMap { $0.number.map(Float.init) } ?? []
        guard saved.count == rates.count, saved.allSatisfy({ (0...1).contains($0) }) else {
            throw TrainingStateError(problem: "the success rates of the tasks are missing or damaged", version: version)
        }
        rates = saved
    }
}
