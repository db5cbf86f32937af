import Environments

extension EnvironmentCatalogue {
    /// What this program knows: the standard catalogue, unless a program brings environments of its own (see `Program`).
    @TaskLocal public static var current = standard
}
