/// What the holder of a key may say to the coordinator. Decides before the membership hears of a message.
public enum ControlGate {
    /// Why a message is refused; nil: it may be heard.
    public static func refusal(of message: ControlMessage, from sender: AllowedKey) -> Refusal? {
        switch message {
        case .hello(let hello):
            guard sender.roles.allows(hello.role) else { return forbidden(sender, "be \(hello.role == .actor ? "an" : "the") \(hello.role)", "\(hello.role)") }
            guard let learner = hello.learner, let endpoint = try? Endpoint(learner.rollouts), endpoint.crossesNetwork else { return nil }
            guard learner.key == sender.key else {
                return Refusal(
                    .forbidden, problem: "the learner listens with another key than it has proved to the coordinator",
                    remedy: "Start apus-learner with --keys, and with the same folder for both.")
            }
            return nil
        case .adjust:
            return sender.roles.contains(.command) ? nil : forbidden(sender, "change a run", "command")
        default: return nil
        }
    }

    private static func forbidden(_ sender: AllowedKey, _ what: String, _ role: String) -> Refusal {
        Refusal(
            .forbidden, problem: "the key of \(sender.name) may not \(what): its roles are \(sender.roles)",
            remedy: "On the coordinator's host: apus keys allow \(sender.name) '\(sender.key.z85)' --role \(role)")
    }
}
