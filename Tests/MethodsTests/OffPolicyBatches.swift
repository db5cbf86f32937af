import Methods
import Networks
import Rollouts
import Tensors

/// A learner of a small network, with weights that are the same for every learner.
struct LearnerBench {
    let network: ActorCritic
    let seed: UInt64 = 7

    init(memory: MemoryKind = .none) {
        var settings = NetworkSettings(hidden: [6])
        (settings.memory, settings.memoryWidth) = (memory, 4)
        do { network = try ActorCritic(observation: .box(shape: [3]), action: .discrete(4), settings) } catch { fatalError("\(error)") }
    }

    func learner(_ algorithm: any Algorithm) -> any Learner {
        do {
            let learner = try algorithm.learner(LearnerSetting(network: network, seed: seed))
            // The policy's first weights are small: without more, every action would be as likely as any other.
            learner.weights.flat.withMutableBuffer { weights in
                var dice = Dice(state: 71)
                for k in weights.indices { weights[k] += Float.random(in: -0.4...0.4, using: &dice) }
            }
            return learner
        } catch { fatalError("\(error)") }
    }

    /// Random data, one rollout for each version.
    /// - Parameter shift: what log μ is off from log π of the learner's first weights; a range of 0 makes it on-policy to the bit.
    func batch(
        versions: [UInt64] = [0], steps: Int = 6, slots: Int = 4, shift: ClosedRange<Float> = -0.5...0.5, terminated: Set<Int> = [9],
        truncated: Set<Int> = [6, 15], seed: UInt64 = 5
    ) -> RolloutBatch {
        func rollouts(_ logProb: [Float]?) -> RolloutBatch {
            var dice = Dice(state: seed)
            let all = slots * versions.count
            return MethodsTests.batch(
                versions.enumerated().map { number, version in
                    let builder = RolloutBuilder(
                        observation: .box(shape: [3]), action: .discrete(2), stateCount: network.stateCount, steps: steps, slots: slots)
                    for t in 0...steps {
                        for k in 0..<slots * 3 { builder.observation(t, as: Float.self)[k] = Float.random(in: -1...1, using: &dice) }
                    }
                    for k in builder.recurrentState.indices { builder.recurrentState[k] = 0.1 }
                    for t in 0..<steps {
                        for b in 0..<slots {
                            let index = t * slots + b
                            let offset = Float.random(in: shift, using: &dice)
                            builder.action(t, as: Int32.self)[b] = Int32.random(in: 0..<4, using: &dice)
                            builder.behaviourLogProb(t)[b] = (logProb?[t * all + number * slots + b] ?? -1) + offset
                            builder.reward(t)[b] = Float.random(in: -1...1, using: &dice)
                            builder.terminated(t)[b] = terminated.contains(index) ? 1 : 0
                            builder.truncated(t)[b] = truncated.contains(index) ? 1 : 0
                            guard terminated.contains(index) || truncated.contains(index) else { continue }
                            let final = (0..<3).map { _ in Float.random(in: -1...1, using: &dice) }
                            final.withUnsafeBytes {
                                builder.appendEnded(step: t, slot: b, finalObservation: $0, episodeReturn: 1, length: 1)
                            }
                        }
                    }
                    return builder.finish(
                        id: RolloutID(actor: UInt32(number), incarnation: 0, sequence: 1), version: version)
                })
        }
        let blind = rollouts(nil)
        let weights = learner(Method.a2c()).weights
        let parameters = weights.parameters()
        return rollouts(Evaluation(blind, network, parameters: parameters, constants: parameters).logProb.values)
    }

    /// The weights after some updates on these batches.
    func trained(_ algorithm: any Algorithm, _ batches: [RolloutBatch], learningRate: Float = 0.02) throws -> [Float] {
        let learner = learner(algorithm)
        for (version, batch) in batches.enumerated() {
            _ = try learner.update(batch, at: Moment(version: UInt64(version), learningRate: learningRate))
        }
        return learner.weights.flat.values
    }

    /// The metrics of one update, by name.
    func metrics(_ algorithm: any Algorithm, _ batch: RolloutBatch, version: UInt64 = 0) throws -> [String: Float] {
        let report = try learner(algorithm).update(batch, at: Moment(version: version, learningRate: 0.02))
        return Dictionary(uniqueKeysWithValues: report.metrics.map { ($0.name, $0.value) })
    }
}
