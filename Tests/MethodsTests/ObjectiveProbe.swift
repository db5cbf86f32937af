import Methods
import Tensors

/// What an objective makes of steps that are given by numbers.
struct ObjectiveProbe {
    /// log π, log π_prox and log μ of each step, and its advantage.
    var logProb: [Float]
    var proximal: [Float]
    var behaviour: [Float]
    var advantage: [Float]
    var sequences: Sequences?

    /// Steps of an action with probability q under π_prox = μ, whose ratio has become r.
    init(ratio: [Float], advantage: [Float], q: Float = 0.25) {
        proximal = ratio.map { _ in Float(logOf(Double(q))) }
        behaviour = proximal
        logProb = ratio.map { Float(logOf(Double($0) * Double(q))) }
        self.advantage = advantage
    }

    /// The grid of all ratios with all advantages.
    init(ratios: [Float], advantages: [Float], q: Float = 0.25) {
        self.init(ratio: ratios.flatMap { r in advantages.map { _ in r } }, advantage: ratios.flatMap { _ in advantages }, q: q)
    }

    var count: Int { logProb.count }
    func ratio(_ k: Int) -> Double { expOf(Double(logProb[k]) - Double(proximal[k])) }

    func step(_ logProb: Tensor) -> PolicyStep {
        let zeros = Tensor(zeros: [count])
        return PolicyStep(
            logProb: logProb, entropy: zeros, value: zeros, advantage: Tensor(advantage, [count]), valueTarget: zeros,
            behaviourLogProb: Tensor(behaviour, [count]), proximalLogProb: Tensor(proximal, [count]), sequences: sequences)
    }

    /// Each step's loss, and the coefficient φ of its gradient −φ A ∇ log π (0 where A is 0).
    func callAsFunction(_ objective: any Objective) -> (loss: [Float], coefficient: [Float]) {
        let (loss, gradient) = gradient { objective.loss(step($0)) }
        return (loss, zip(gradient, advantage).map { $1 == 0 ? 0 : -$0 / $1 })
    }

    /// Each step's loss, and its derivative by log π.
    func gradient(_ loss: (Tensor) -> Tensor) -> (loss: [Float], gradient: [Float]) {
        let (tape, gradient) = (Tape(), Tensor(zeros: [count]))
        let losses = loss(tape.watch(Tensor(logProb, [count]), accumulatingInto: gradient))
        tape.backward(sum(losses))
        return (losses.values, gradient.values)
    }
}
