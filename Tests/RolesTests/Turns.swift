import Acting
import Environments
import Learning
import Platform
import Rollouts
import Runs
import Tensors
import Wire
import Workers

/// Acting and learning in turns in memory: a trainer and one sampler that always has the newest weights.
final class Turns {
    let trainer: Trainer
    let sampler: Sampler

    init(
        catalogue: EnvironmentCatalogue = .standard, actor: UInt32 = 0, seed: UInt64 = 1, _ edit: (inout RunSpec) -> Void
    ) throws {
        setBLASThreads(1)
        let spec = Turns.spec(seed: seed, edit)
        trainer = try Trainer(spec, catalogue: catalogue)
        sampler = try Turns.sampler(spec, catalogue: catalogue, actor: actor)
    }

    static func spec(seed: UInt64 = 1, _ edit: (inout RunSpec) -> Void) -> RunSpec {
        var spec = RunSpec()
        spec.seed = seed
        spec.actors.slots = 8
        spec.network.hidden = [16]
        edit(&spec)
        return spec
    }

    static func sampler(_ spec: RunSpec, catalogue: EnvironmentCatalogue = .standard, actor: UInt32 = 0) throws -> Sampler {
        let assignment = ActorAssignment(
            environment: spec.environment.settings, slots: spec.actors.slots, unroll: spec.actors.unroll, seed: spec.seed,
            network: try spec.networkSettings, exploration: try spec.exploration,
            keepsPolicy: try spec.algorithm.needsBehaviourPolicy)
        return try Sampler(assignment, place: MemberPlace(rank: actor, incarnation: 0), credits: 2, catalogue: catalogue)
    }

    func collect() throws -> Rollout {
        trainer.published().withBytes { sampler.load($0, version: trainer.version) }
        return try sampler.collect()
    }

    @discardableResult
    func update() throws -> UpdateReport { try trainer.update([collect()]) }

    /// The values of a named parameter.
    func parameter(_ name: String) -> [Float] {
        trainer.network.layout.specs.filter { $0.name == name }.flatMap {
            trainer.weights.flat.rows($0.offset..<$0.offset + $0.count).values
        }
    }

    func evaluate(episodes: Int, seed: UInt64 = 77) throws -> EvaluationResult {
        try Evaluation(episodes: episodes, seed: seed)
            .run(trainer.environment, network: trainer.network, parameters: trainer.weights.parameters())
    }
}

extension UpdateReport {
    func metric(_ name: String) -> Float? { metrics.first { $0.name == name }?.value }
}
