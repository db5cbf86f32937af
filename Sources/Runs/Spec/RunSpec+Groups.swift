import Environments
import Rollouts

extension RunSpec {
    /// What actors do for a task, and what the learner adds: the method's plan with what the section `tokens` says of it.
    ///
    /// - Throws: `RunSpecError` where the run asks for what the method, or the environment, has no place for.
    public var groupPlan: GroupPlan {
        get throws {
            let method = try tokenMethod
            var plan = method.plan
            func refuse(_ key: String, _ value: Any, _ allowed: String) -> RunSpecError {
                .outOfRange(key: "tokens.\(key)", value: "\(value)", allowed: allowed, place: "the run's description")
            }
            if !tokens.hints.isEmpty {
                guard plan.window == 0, plan.forks == .none else {
                    throw refuse("hints", tokens.hints, "[] with \(method.name), which ships or forks responses before they are judged")
                }
                let environment = try tokenEnvironment
                guard (0..<min(environment.taskCount, 64)).contains(where: { environment.demonstration(environment.task($0), choice: 0) != nil }) else {
                    throw refuse("hints", tokens.hints, "[] with \(self.environment.id), which does not show how its tasks are solved")
                }
                plan.hints = tokens.hints.map { Float($0) }
            }
            if tokens.replayedSuccesses > 0 {
                guard plan.window == 0, plan.forks == .none, plan.responses > 1 else {
                    throw refuse(
                        "replayed_successes", tokens.replayedSuccesses, "0 with \(method.name), whose groups have no response that stands for itself")
                }
                (plan.replayedSuccesses, plan.replayedLag) = (tokens.replayedSuccesses, tokens.replayedLag)
            }
            return plan
        }
    }
}
