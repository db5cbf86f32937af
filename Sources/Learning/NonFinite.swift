import Networks
import Platform
import Rollouts
import Tensors

/// A rollout with numbers that are not finite arrived, and the run is set to stop at that.
struct NonFiniteRollout: Remediable {
    let failed: FailedRollout
    var problem: String { failed.problem }
    var place: String { "rollout \(failed.id)" }
    var remedy: String { "Mend the environment or the policy, or set learner.on_nonfinite to skip." }
}

extension NonFiniteUpdate {
    /// The batch of a refused update, for a look at it: each rollout's columns under `ID/column`.
    func batchFile(_ rollouts: [Rollout]) -> [UInt8] {
        let columns = rollouts.flatMap { rollout in
            rollout.columns.map { Column("\(rollout.id)/\($0.name)", $0.type, $0.shape, $0.bytes) }
        }
        return Safetensors.encode(columns, metadata: ["version": "\(version)", "first_non_finite": tensor])
    }
}
