import Methods
import Networks
import Rollouts
import Tensors

/// A batch of steps of continuous actions. Observations are uniform in ±1, actions normal, rewards uniform in ±1 unless given.
func continuousBatch(
    steps: Int = 1, slots: Int, observations: Int, actions: Space, terminated: Set<Int> = [], truncated: Set<Int> = [],
    observation: ((Int) -> [Float])? = nil, final: [Float]? = nil, draw: ((inout Dice) -> [Float])? = nil,
    reward: (([Float]) -> Float)? = nil, _ dice: inout Dice
) -> RolloutBatch {
    let builder = RolloutBuilder(observation: .box(shape: [observations]), action: actions, steps: steps, slots: slots)
    func random() -> [Float] { (0..<observations).map { _ in Float.random(in: -1...1, using: &dice) } }
    for t in 0...steps {
        for b in 0..<slots {
            for (k, value) in (observation?(t) ?? random()).enumerated() { builder.observation(t, as: Float.self)[b * observations + k] = value }
        }
    }
    for t in 0..<steps {
        for b in 0..<slots {
            let index = t * slots + b
            let action = draw?(&dice) ?? (0..<actions.count).map { _ in Float.random(in: -2...2, using: &dice) }
            for (k, value) in action.enumerated() { builder.action(t, as: Float.self)[b * actions.count + k] = value }
            builder.behaviourLogProb(t)[b] = -1
            builder.reward(t)[b] = reward?(action) ?? Float.random(in: -1...1, using: &dice)
            builder.terminated(t)[b] = terminated.contains(index) ? 1 : 0
            builder.truncated(t)[b] = truncated.contains(index) ? 1 : 0
            guard terminated.contains(index) || truncated.contains(index) else { continue }
            (final ?? random()).withUnsafeBytes { builder.appendEnded(step: t, slot: b, finalObservation: $0, episodeReturn: 1, length: 1) }
        }
    }
    return batch([builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0)])
}

/// Fully connected layers in double precision, written out: relu between them, weights [out, in] and biases in turn.
struct DoubleLayers {
    let widths: [Int]
    var count: Int { zip(widths, widths.dropFirst()).reduce(0) { $0 + ($1.0 + 1) * $1.1 } }

    func callAsFunction(_ x: [Double], _ w: ArraySlice<Double>) -> [Double] {
        var (x, offset) = (x, w.startIndex)
        for (layer, outputs) in widths.dropFirst().enumerated() {
            let bias = offset + outputs * x.count
            x = (0..<outputs).map { o in x.indices.reduce(w[bias + o]) { $0 + w[offset + o * x.count + $1] * x[$1] } }
            if layer < widths.count - 2 { x = x.map { max($0, 0) } }
            offset = bias + outputs
        }
        return x
    }
}

/// Two critics with parameters one behind the other.
struct DoubleCritics {
    let layers: DoubleLayers
    func callAsFunction(_ observation: [Double], _ action: [Double], _ w: [Double]) -> (Double, Double) {
        let input = observation + action
        return (layers(input, w[..<layers.count])[0], layers(input, w[layers.count...])[0])
    }
}

/// The transitions of a batch of one step as double-precision rows.
struct DoubleTransitions {
    var observation: [[Double]] = [], next: [[Double]] = [], action: [[Double]] = []
    var reward: [Double] = [], ended: [Bool] = []

    init(_ batch: RolloutBatch, observations: Int, actions: Int) {
        let all = batch.observation.vectors.values.map(Double.init), finals = batch.finalObservation.vectors.values.map(Double.init)
        guard case .vectors(let drawn) = batch.action else { return }
        let draws = drawn.values.map(Double.init)
        for row in 0..<batch.frames {
            observation.append(Array(all[(row * observations)..<((row + 1) * observations)]))
            var following = Array(all[((row + batch.slots) * observations)..<((row + batch.slots + 1) * observations)])
            if batch.truncated[row] != 0 {
                let k = batch.finalIndex.firstIndex(of: Int32(row))!
                following = Array(finals[(k * observations)..<((k + 1) * observations)])
            }
            next.append(following)
            action.append(Array(draws[(row * actions)..<((row + 1) * actions)]))
            reward.append(Double(batch.reward.values[row]))
            ended.append(batch.terminated[row] != 0)
        }
    }
}

/// log N(u) − Σ log(1 − tanh² u) of one row.
func squashedLogProb(_ z: [Double], _ logDeviation: [Double], _ u: [Double]) -> Double {
    z.indices.reduce(0) { total, k in
        total - 0.5 * z[k] * z[k] - logDeviation[k] - 0.5 * logOf(2 * Double.pi) - logOf(1 - tanhOf(u[k]) * tanhOf(u[k]))
    }
}

func differences(_ w: [Double], _ loss: ([Double]) -> Double) -> [Double] {
    w.indices.map { k in
        var (up, down) = (w, w)
        up[k] += 1e-6
        down[k] -= 1e-6
        return (loss(up) - loss(down)) / 2e-6
    }
}

func worst(_ a: [Float], _ b: [Double]) -> Double { zip(a, b).reduce(a.count == b.count ? 0 : .infinity) { max($0, abs(Double($1.0) - $1.1)) } }

extension Learner {
    func column(_ name: String) -> [Float] { state.first { $0.name == name }!.bytes.array(of: Float.self) }

    /// Goes on with other values in one column of its state.
    func replace(_ name: String, _ values: [Float]) throws {
        try restore(state.map { $0.name == name ? Column(name, Tensor(values, $0.shape)) : $0 })
    }

    var everything: [[UInt8]] { [weights.flat.values.flatMap { withUnsafeBytes(of: $0, Array.init) }] + state.map { $0.bytes.withBytes { Array($0) } } }
}

/// The normal numbers that a learner of this seed draws at a moment.
func learnerNormals(seed: UInt64, _ moment: Moment, use: UInt32, _ shape: [Int]) -> [Double] {
    RandomKey(seed: seed, purpose: .learner, actor: UInt32(moment.batch), incarnation: 0x8000_0000 | use)
        .normals(step: moment.version, shape).values.map(Double.init)
}
