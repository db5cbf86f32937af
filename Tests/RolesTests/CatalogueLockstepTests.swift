import Learning
import Methods
import Platform
import Runs
import Testing

/// For every method of the catalogue: all roles of the distributed run, held at lag 0 with one actor, make the weights of the run in turns, bit
/// for bit.
@Suite struct CatalogueLockstepTests {
    @Test(arguments: MethodCatalogue.standard.methods.map(\.id)) func lagZeroIsTheRunInTurns(_ method: String) throws {
        let fitting = try Self.spec(method)
        let cluster = try Cluster { $0 = fitting }
        let roles = [cluster.coordinator(), cluster.actor(), cluster.learner()]

        let directory = try RunDirectory.create(runs: "\(cluster.folder)/turns", name: "turns", spec: fitting)
        var turns = try LockstepRun(fitting, directory: directory, catalogue: .standard)
        #expect(try turns.run { _ in } == false)

        for role in roles { #expect(role.end()?.isFinished == true) }
        func weights(_ directory: RunDirectory) throws -> [UInt8] {
            try Files.read("\(directory.checkpoints)/latest/weights.safetensors")
        }
        let versions = [try cluster.checkpoints.latest(), try CheckpointStore(directory.checkpoints).latest()]
        #expect(versions[0] == versions[1] && versions[0] ?? 0 > 1, "\(versions)")
        #expect(try weights(cluster.directory) == weights(directory), "\(method) in \(fitting.environment.id)")
    }

    /// A short run of a small network in an environment that the method can act in: CartPole, or else Pendulum; sums, for a token policy.
    private static func spec(_ method: String) throws -> RunSpec {
        if try MethodCatalogue.standard.make(id: method) is TokenMethod { return tokenSpec(method) }
        var refusals: [String] = []
        for environment in ["CartPole-v1", "Pendulum-v1"] {
            var spec = RunSpec()
            spec.environment.id = environment
            spec.method.id = method
            spec.actors.slots = 8
            spec.network.hidden = [16]
            spec.learner.maxLag = 0
            // Episodes of CartPole end inside the rollouts.
            spec.stop.frames = 12 * spec.actors.slots * spec.actors.unroll
            spec.stop.evaluationEpisodes = 0
            do {
                _ = try spec.training(catalogue: .standard)
                return spec
            } catch let error as any Remediable {
                refusals.append("\(environment): \(error)")
            }
        }
        throw NoEnvironment(method: method, refusals: refusals)
    }

    private static func tokenSpec(_ method: String) -> RunSpec {
        var spec = RunSpec()
        spec.environment.id = "addition"
        spec.environment.options = ["digits": 1]
        spec.method.id = method
        spec.actors.slots = 8
        (spec.tokens.layers, spec.tokens.width, spec.tokens.heads, spec.tokens.groups) = (1, 16, 2, 2)
        // Somebody succeeds now and then.
        (spec.warmup.updates, spec.warmup.batch, spec.warmup.learningRate) = (30, 16, 0.01)
        spec.learner.maxLag = 0
        spec.stop.frames = 300
        spec.stop.evaluationEpisodes = 0
        return spec
    }

    private struct NoEnvironment: Error {
        let method: String
        let refusals: [String]
    }
}
