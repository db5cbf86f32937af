import Methods
import Networks
import Rollouts
import Tensors

/// A rollout whose log-probabilities are computed again, under several suspicions.
struct MismatchCase {
    enum State {
        /// As the rollout tells, forgotten where episodes begin.
        case stored
        case zero
        case neverReset
    }

    private let network: any PolicyNetwork
    private let batch: RolloutBatch

    init(_ rollout: Rollout, _ network: any PolicyNetwork) throws {
        self.network = network
        batch = try RolloutBatch([rollout], observationSpace: network.observationSpace)
    }

    /// The largest |Δ log μ| between what the actor told and what these parameters say; not a number when either is not.
    func difference(with parameters: Parameters, state: State = .stored, bounded: Bool = false) -> Float {
        var unroll: Unroll?
        if network.stateCount > 0 {
            unroll = Unroll(
                state: state == .zero ? Tensor(zeros: batch.recurrentState.shape) : batch.recurrentState,
                begins: state == .neverReset ? nil : batch.begins)
        }
        let output = network(batch.observation.rows(0..<batch.frames), parameters, unroll: unroll)
        let logProb = network.distribution.logProb(of: bounded ? boundedAction : batch.action, output)
        return logProb.withBuffer { learner in
            batch.behaviourLogProb.withBuffer { actor in
                var largest: Float = 0
                for index in actor.indices {
                    let difference = abs(learner[index] - actor[index])
                    guard difference.isFinite else { return .nan }
                    largest = max(largest, difference)
                }
                return largest
            }
        }
    }

    private var boundedAction: Actions {
        guard case .vectors(let vectors) = batch.action else { return batch.action }
        let copy = Tensor(vectors.values, vectors.shape)
        copy.withMutableBuffer { network.distribution.bound(UnsafeMutableRawBufferPointer($0)) }
        return .vectors(copy)
    }
}
