import Methods
import Rollouts

/// Tokens of every ratio with every advantage, each a response of its own: what coefficient tables are read from.
struct TokenGrid {
    static let ratios: [Float] = [0.02, 0.3, 0.5, 0.75, 0.85, 1, 1.15, 1.25, 1.5, 2.9, 3.5, 12]
    static let advantages: [Float] = [-2, -0.5, 0, 0.7, 1.5]

    let cells: [(ratio: Float, advantage: Float)]
    private(set) var work: TokenWork
    let logProb: [Float]

    init(_ ratios: [Float] = ratios, _ advantages: [Float] = advantages, behaviour: Float = -1) {
        cells = ratios.flatMap { ratio in advantages.map { (ratio, $0) } }
        work = TokenWork(
            ResponseBatch([
                ResponseGroup(task: 0, prompt: [0], responses: cells.map { _ in TokenGroups.response(1, length: 1, logProb: behaviour) })
            ]), moment: Moment(learningRate: 0.001))
        for (token, cell) in cells.enumerated() { work.advantage[token] = cell.advantage }
        logProb = cells.map { behaviour + Float(logOf(Double($0.ratio))) }
    }

    mutating func change(_ change: (inout TokenWork) -> Void) { change(&work) }

    var step: TokenStep { TokenStep(work, logProb: logProb) }

    /// Of every cell: the loss, and φ of the gradient −φ A ∇lp (0 where A is 0).
    func table(_ term: any TokenTerm) -> [(ratio: Float, advantage: Float, loss: Float, phi: Float)] {
        let (step, slope) = (step, term.slope(step))
        return cells.indices.map {
            let advantage = cells[$0].advantage
            return (step.ratio($0), advantage, slope.loss[$0], advantage == 0 ? 0 : -slope.logProb[$0] / advantage)
        }
    }
}

/// A method of the catalogue by its name.
func tokenMethod(_ id: String, _ options: [String: Double] = [:]) throws -> TokenMethod {
    try MethodCatalogue(MethodCatalogue.tokens).make(id: id, options: options) as! TokenMethod
}

extension TokenMethod {
    /// ∂(loss)/∂lp of random groups that the policy has moved away from.
    func gradient(of groups: [ResponseGroup], seed: UInt64 = 2, moved: Float = 0.3, change: (inout TokenWork) -> Void = { _ in }) -> [Float] {
        var work = TokenGroups.work(groups, seed: seed)
        change(&work)
        prepare(&work)
        return TokenGroups.gradient(self, TokenStep(work, logProb: TokenGroups.moved(work, by: moved), entropy: work.entropy))
    }
}

/// The largest difference of two lists; infinite where they are not of one length.
func distance(_ a: [Float], _ b: [Float]) -> Float { a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity }
