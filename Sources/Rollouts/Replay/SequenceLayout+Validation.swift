import CKernels
import Platform
import Tensors

extension SequenceLayout {
    /// What is wrong with a record that comes from a file: the same rules as for a rollout that comes from another process. Nil when it can
    /// be trained on.
    /// - Parameter finals: its final observations.
    func problem(in record: UnsafeRawPointer, _ finals: [UnsafeRawPointer]) -> String? {
        func isFinite(_ place: UnsafeRawPointer, _ count: Int) -> Bool {
            (0..<count).allSatisfy { place.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self).isFinite }
        }
        func isFinite(_ offset: Int, _ count: Int) -> Bool {
            apus_all_finite((record + offset).assumingMemoryBound(to: Float.self), count) != 0
        }
        guard isFinite(recurrentState, stateCount), isFinite(behaviourPolicy, steps * policyCount), isFinite(behaviourLogProb, steps), isFinite(reward, steps) else {
            return "a number is infinite or NaN"
        }
        if observationSpace.elementType == .float32 {
            guard isFinite(observation, (steps + 1) * observationSpace.count), finals.allSatisfy({ isFinite($0, observationSpace.count) })
            else { return "an observation is infinite or NaN" }
        }
        let counts: [Int]
        switch actionSpace {
        case .discrete(let count): counts = [count]
        case .multiDiscrete(let each): counts = each
        case .box, .bytes:
            counts = []
            guard isFinite(action, steps * actionSpace.count) else { return "an action is infinite or NaN" }
        }
        if !counts.isEmpty {
            let choices = (record + action).assumingMemoryBound(to: UInt32.self)
            for index in 0..<steps * counts.count where choices[index] >= UInt32(counts[index % counts.count]) {
                return "the action \(Int32(bitPattern: choices[index])) is not one of \(counts[index % counts.count])"
            }
        }
        let ended = (record + terminated).assumingMemoryBound(to: UInt8.self)
        let cut = (record + truncated).assumingMemoryBound(to: UInt8.self)
        guard (0..<steps).allSatisfy({ ended[$0] | cut[$0] <= 1 && ended[$0] & cut[$0] == 0 }) else { return "a flag is neither 0 nor 1" }
        let flagged = (0..<steps).reduce(0) { $0 + Int(cut[$1]) }
        return flagged == finals.count ? nil : "\(finals.count) final observations of \(flagged) truncated steps"
    }
}
