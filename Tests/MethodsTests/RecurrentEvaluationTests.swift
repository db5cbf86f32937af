import Methods
import Networks
import Platform
import Rollouts
import Tensors
import Testing

/// What the learner makes of a batch of a policy with memory, against the same steps taken one at a time as actors take them.
@Suite struct RecurrentEvaluationTests {
    private let steps = 6
    private let slots = 4
    /// Slot 0 ends in the middle by truncation, slot 1 by termination and by truncation in a row, slot 2 by truncation in the last step.
    private let terminated: Set<Int> = [5]
    private let truncated: Set<Int> = [8, 9, 22]

    /// Keeps what an objective is told.
    private struct Witness: Credit, Objective {
        let values = Guarded<[Float]>([]), nextValues = Guarded<[Float]>([]), ratios = Guarded<[Float]>([])

        func assign(
            _ sequence: CreditSequence, ratios: Strided<Float>, advantages: MutableStrided<Float>, valueTargets: MutableStrided<Float>
        ) {
            for t in 0..<sequence.count {
                advantages[t] = 1
                valueTargets[t] = 0
                values.update { $0.append(sequence.values[t]) }
                nextValues.update { $0.append(sequence.nextValues[t]) }
                self.ratios.update { $0.append(ratios[t]) }
            }
        }
        func metrics(ratios: UnsafeBufferPointer<Float>) -> [Metric] { [] }
        func loss(_ step: PolicyStep) -> Tensor { -step.logProb }
    }

    @Test(arguments: [MemoryKind.gru, .lstm]) func isWhatTheActorDid(_ memory: MemoryKind) throws {
        var settings = NetworkSettings(hidden: [6])
        (settings.memory, settings.memoryWidth) = (memory, 5)
        let network = try ActorCritic(observation: .box(shape: [2]), action: .discrete(3), settings)
        let weights = network.initialWeights(seed: 3)
        var dice = Dice(state: 31)
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] += Float.random(in: -0.3...0.3, using: &dice) } }
        let parameters = weights.parameters()
        let width = network.stateCount

        let builder = RolloutBuilder(
            observation: .box(shape: [2]), action: .discrete(3), stateCount: width, steps: steps, slots: slots)
        for t in 0...steps { for k in 0..<slots * 2 { builder.observation(t, as: Float.self)[k] = Float.random(in: -1...1, using: &dice) } }
        for k in builder.recurrentState.indices { builder.recurrentState[k] = Float.random(in: -1...1, using: &dice) }
        var state = Tensor(Array(builder.recurrentState), [slots, width])
        func step(_ observation: [Float]) throws -> PolicyOutput {
            network(Observations(Tensor(observation, [slots, 2]), network.observationSpace), parameters, unroll: Unroll(state: state))
        }
        var (values, nextValues) = ([Float](), [Float]())
        for t in 0..<steps {
            let output = try step(Array(builder.observation(t, as: Float.self)))
            let actions = (0..<slots).map { _ in Int32.random(in: 0..<3, using: &dice) }
            let logProbs = network.distribution.logProb(of: .choices(actions), output).values
            values += output.value.values
            state = try #require(output.state).copy()
            // What would follow without any end, from the state that the step left.
            var following = try step(Array(builder.observation(t + 1, as: Float.self))).value.values
            for b in 0..<slots {
                let index = t * slots + b
                (builder.action(t, as: Int32.self)[b], builder.behaviourLogProb(t)[b], builder.reward(t)[b]) = (actions[b], logProbs[b], 1)
                builder.terminated(t)[b] = terminated.contains(index) ? 1 : 0
                builder.truncated(t)[b] = truncated.contains(index) ? 1 : 0
                guard terminated.contains(index) || truncated.contains(index) else { continue }
                let final = (0..<2).map { _ in Float.random(in: -1...1, using: &dice) }
                final.withUnsafeBytes { builder.appendEnded(step: t, slot: b, finalObservation: $0, episodeReturn: 1, length: 1) }
                following[b] = try step(Array(repeating: final, count: slots).flatMap { $0 }).value.values[b]
            }
            nextValues += following
            state.withMutableBuffer { buffer in
                for b in 0..<slots where terminated.contains(t * slots + b) || truncated.contains(t * slots + b) {
                    for k in 0..<width { buffer[b * width + k] = 0 }
                }
            }
        }
        let rollout = builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0)
        // A second rollout beside it: states and flags must find their own slots.
        let batch = try RolloutBatch([rollout, rollout], observationSpace: network.observationSpace)

        let witness = Witness()
        let method = Method(
            "witness", staleness: .any, discount: 0.9, credit: witness, objective: witness, regularizers: [],
            aggregate: .stepMean)
        let tape = Tape()
        let result = method.loss(batch, network: network, parameters: weights.parameters(on: tape), constants: parameters)
        let ratios = witness.ratios.read { $0 }
        #expect(ratios.count == 2 * steps * slots && ratios.allSatisfy { abs($0 - 1) < 1e-5 })
        let metrics = Dictionary(uniqueKeysWithValues: result.metrics.map { ($0.name, $0.value) })
        #expect(abs(metrics["rho_mean"]! - 1) < 1e-6)
        // The credit is asked slot by slot.
        for n in 0..<2 * slots {
            for t in 0..<steps {
                let (index, told) = (t * slots + n % slots, n * steps + t)
                #expect(abs(witness.values.read { $0[told] } - values[index]) < 1e-5, "value at step \(t) of slot \(n)")
                guard !terminated.contains(index) else { continue }
                #expect(abs(witness.nextValues.read { $0[told] } - nextValues[index]) < 1e-5, "next value at step \(t) of slot \(n)")
            }
        }
    }
}

extension Tensor {
    fileprivate func copy() -> Tensor { Tensor(values, shape) }
}
