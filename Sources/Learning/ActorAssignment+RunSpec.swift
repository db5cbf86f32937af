import Runs
import Wire

extension ActorAssignment {
    /// What the run's description asks of an actor.
    package init(_ spec: RunSpec) throws {
        self.init(
            environment: spec.environment.settings, slots: spec.actors.slots, unroll: spec.actors.unroll, seed: spec.seed,
            network: try spec.networkSettings, exploration: try spec.exploration, keepsPolicy: try spec.algorithm.needsBehaviourPolicy,
            tokens: try spec.tokenAssignment)
    }
}
