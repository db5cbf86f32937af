import CWire
import Wire

extension Share {
    func message() -> Apus__Worker__Share {
        var message = Apus__Worker__Share()
        apus__worker__share__init(&message)
        (message.memory, message.worker_bell, message.apus_bell) = (memory, workerBell, apusBell)
        (message.size, message.actions, message.observations) = (UInt64(size), UInt64(actions), UInt64(observations))
        (message.rewards, message.terminated, message.truncated) = (UInt64(rewards), UInt64(terminated), UInt64(truncated))
        message.final_observations = UInt64(finalObservations)
        return message
    }

    init(_ message: Apus__Worker__Share) throws(WireError) {
        guard let size = Int(exactly: message.size) else {
            throw .invalid(field: "Share.size", value: "\(message.size)", allowed: "0 to \(Int.max)")
        }
        func offset(_ field: String, _ value: UInt64) throws(WireError) -> Int {
            guard value <= message.size, value % 64 == 0 else {
                throw .invalid(field: "Share.\(field)", value: "\(value)", allowed: "multiples of 64 up to the size, \(size)")
            }
            return Int(value)
        }
        self.init(
            memory: message.memory, workerBell: message.worker_bell, apusBell: message.apus_bell, size: size,
            actions: try offset("actions", message.actions), observations: try offset("observations", message.observations),
            rewards: try offset("rewards", message.rewards), terminated: try offset("terminated", message.terminated),
            truncated: try offset("truncated", message.truncated),
            finalObservations: try offset("final_observations", message.final_observations))
    }
}
