import Environments

extension EnvironmentCatalogue {
    /// What Apus brings: what steps inside the process, and what is found in worker processes.
    public static let standard = EnvironmentCatalogue.native
}
