import Environments
import Learning
import Methods
import Runs
import Tensors
import Workers

extension RunSpec {
    /// What only the catalogues know, before any process starts.
    ///
    /// - Parameter prepares: whether the run is about to begin here: libraries must be there then.
    /// - Throws: when an environment, a method or an option is not known, or a library is missing.
    func checkNames(prepares: Bool = true) throws {
        if isTokenRun {
            _ = try tokenEnvironment
            _ = try tokenMethod
            return
        }
        _ = try EnvironmentCatalogue.current.resolve(environment.settings)
        // A missing library is told here, once, and not by every process that is started.
        if prepares { try EnvironmentCatalogue.current.environments.first { $0.id == environment.id }?.prepare() }
        _ = try stepAlgorithm
    }

    /// Makes what the learner will make, so that a method, a network or a replay that does not fit is told before any process starts. Where the
    /// environment runs in a worker, the learner tells.
    func checkFit() throws {
        guard isTokenRun || EnvironmentCatalogue.current.environments.contains(where: { $0.id == environment.id }) else { return }
        setBLASThreads(1)
        _ = try training()
    }
}
