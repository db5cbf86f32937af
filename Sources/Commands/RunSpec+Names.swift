import Environments
import Methods
import Runs
import Workers

extension RunSpec {
    /// What only the catalogues know, before any process starts.
    ///
    /// - Throws: when an environment, a method or an option is not known, or a library is missing.
    func checkNames() throws {
        _ = try EnvironmentCatalogue.current.resolve(environment.settings)
        // A missing library is told here, once, and not by every process that is started.
        try EnvironmentCatalogue.current.environments.first { $0.id == environment.id }?.prepare()
        _ = try MethodCatalogue.current.make(id: method.id, options: method.options)
    }
}
