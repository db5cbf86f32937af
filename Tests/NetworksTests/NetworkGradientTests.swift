import Networks
import Platform
import TestSupport
import Tensors
import Testing

/// The gradient of a whole network of every kind against differences of its loss, one named parameter at a time.
@Suite struct NetworkGradientTests {
    struct Kind: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let observation: Space
        let action: Space
        let settings: NetworkSettings

        init(
            _ name: String, _ observation: Space = .box(shape: [4]), _ action: Space = .discrete(3),
            _ edit: (inout NetworkSettings) -> Void = { _ in }
        ) {
            testDescription = name
            self.observation = observation
            self.action = action
            var settings = NetworkSettings(hidden: [6], activation: .relu)
            settings.memoryWidth = 5
            edit(&settings)
            self.settings = settings
        }
    }

    static let kinds = [
        Kind("minatar", .bytes(shape: [4, 5, 2], high: 1)),
        Kind("nature, channels first", .bytes(shape: [2, 36, 37], high: 255)),
        Kind("impala", .box(shape: [6, 5, 3])) { $0.encoder = .impala },
        Kind("layer norm") { ($0.layerNorm, $0.activation, $0.hidden) = (true, .tanh, [6, 5]) },
        Kind("separate value") { $0.separateValue = true },
        Kind("normalised observations") { $0.normalizeObservations = true },
        Kind("gru") { $0.memory = .gru },
        Kind("lstm") { $0.memory = .lstm },
        Kind("minatar and lstm", .bytes(shape: [4, 5, 2], high: 1)) { ($0.memory, $0.activation) = (.lstm, .tanh) },
        Kind("gaussian", .box(shape: [4]), .box(shape: [2])),
        Kind("tanh gaussian, gru", .box(shape: [4]), .box(shape: [2], low: -1, high: 2)) {
            ($0.continuousPolicy, $0.memory) = (.tanhGaussian, .gru)
        },
        Kind("multi-discrete", .box(shape: [4]), .multiDiscrete([2, 3])),
    ]

    @Test(arguments: kinds) func equalsDifferences(_ kind: Kind) throws {
        setBLASThreads(1)
        let network = try ActorCritic(observation: kind.observation, action: kind.action, kind.settings)
        let (steps, slots) = (4, 3)
        let rows = steps * slots
        var dice = Dice(12)
        func random(_ count: Int, _ size: Float = 1) -> [Float] { (0..<count).map { _ in Float.random(in: -size...size, using: &dice) } }

        let weights = network.initialWeights(seed: 5)
        let shift = random(weights.layout.count, 0.1)
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] += shift[k] } }
        let observation: Observations
        if case .bytes(_, let high) = kind.observation {
            let bytes = (0..<rows * kind.observation.count).map { _ in UInt8(dice.below(Int(high) + 1)) }
            observation = Observations(bytes.withUnsafeBytes { SharedBytes(copying: $0) }, kind.observation)
        } else {
            observation = Observations(Tensor(random(rows * kind.observation.count), [rows, kind.observation.count]), kind.observation)
        }
        let actions: Actions
        switch kind.action {
        case .multiDiscrete(let counts): actions = .choices((0..<rows * 2).map { Int32(dice.below(counts[$0 % 2])) })
        case .discrete(let count): actions = .choices((0..<rows).map { _ in Int32(dice.below(count)) })
        default: actions = .vectors(Tensor(random(rows * 2), [rows, 2]))
        }
        let state = Tensor(random(slots * network.stateCount), [slots, network.stateCount])
        let begins: [UInt8] = [0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0]
        let coefficients = (0..<3).map { _ in Tensor(random(rows), [rows]) }
        func loss(_ parameters: Parameters) -> Tensor {
            let unroll = network.stateCount > 0 ? Unroll(state: state, begins: begins) : nil
            let output = network(observation, parameters, unroll: unroll)
            let loss = sum(network.distribution.logProb(of: actions, output) * coefficients[0]) + sum(output.value * coefficients[1])
            // The entropy of a squashed policy is an estimate that moves its draws with the policy: no function of the actions.
            if kind.settings.continuousPolicy == .tanhGaussian { return loss }
            return loss + sum(network.distribution.entropy(output, at: actions) * coefficients[2])
        }
        let tape = Tape()
        tape.backward(loss(weights.parameters(on: tape)))

        let start = weights.flat.values
        for spec in network.layout.specs {
            let range = spec.offset..<spec.offset + spec.count
            let gradient = weights.gradient.rows(range).values
            let norm = length(gradient)
            guard !spec.name.hasPrefix("normalizer.") else {
                #expect(norm == 0, "\(spec.name) has a gradient")
                continue
            }
            #expect(norm > 1e-4, "\(spec.name) has no gradient")
            // Along the gradient, where the difference is largest, and a bit anywhere.
            let anywhere = random(spec.count)
            var direction = zip(gradient, anywhere).map { $0 / norm + 0.5 * $1 / length(anywhere) }
            let size = length(direction)
            direction = direction.map { $0 / size }
            func at(_ step: Float) -> Float {
                weights.flat.withMutableBuffer { for (k, d) in zip(range, direction) { $0[k] = start[k] + step * d } }
                return loss(weights.parameters()).scalar
            }
            // Small enough to cross few corners of relu, large enough for single precision.
            let step = min(0.01 / norm, 0.004)
            let difference = (at(step) - at(-step)) / (2 * step)
            weights.flat.withMutableBuffer { _ = $0.update(fromContentsOf: start) }
            let expected = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs(difference - expected) < 0.03 * norm + 2e-3, "\(spec.name): \(expected), by differences \(difference)")
        }
    }

    private func length(_ vector: [Float]) -> Float { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}
