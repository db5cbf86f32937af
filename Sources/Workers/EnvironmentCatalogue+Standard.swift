import Environments

extension EnvironmentCatalogue {
    /// All that Apus knows: what steps inside this process, and what is found in Python or in programs of yours.
    public static let standard = EnvironmentCatalogue(
        native.environments, families: [PythonFamily.gymnasium, PythonFamily.pettingZoo, WorkerFamily()])
}
