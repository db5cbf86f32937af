import Acting
import ArgumentParser
import Coordinating
import Environments
import Learning
import Methods
import Networks
import Workers

/// The `apus` program with whatever environments, methods and networks of your own. A package that depends on Apus has it in a few lines:
///
///     @main struct Main {
///         static func main() { Program(environments: [GridWorld.self]).main() }
///     }
///
/// It has every command of `apus`; `train` starts the program itself again for the three roles, so that they know the same names.
public struct Program: Sendable {
    private let environments: EnvironmentCatalogue
    private let tokenEnvironments: TokenEnvironmentCatalogue
    private let methods: MethodCatalogue
    private let networks: NetworkCatalogue
    private let isStandard: Bool

    /// - Parameters: what to add to Apus' own catalogues.
    public init(
        environments: [any Environment.Type] = [], tokenEnvironments: [any TokenEnvironment.Type] = [], methods: [MethodEntry] = [],
        networks: [NetworkEntry] = []
    ) {
        self.environments = .standard.adding(environments)
        self.tokenEnvironments = .standard.adding(tokenEnvironments)
        self.methods = .standard.adding(methods)
        self.networks = .standard.adding(networks)
        isStandard = environments.isEmpty && tokenEnvironments.isEmpty && methods.isEmpty && networks.isEmpty
    }

    /// Runs the command that the arguments name, and exits.
    public func main() {
        EnvironmentCatalogue.$current.withValue(environments) {
            TokenEnvironmentCatalogue.$current.withValue(tokenEnvironments) {
                MethodCatalogue.$current.withValue(methods) {
                    NetworkCatalogue.$current.withValue(networks) {
                        Roles.$areInThisProgram.withValue(!isStandard) { ApusCommand.main() }
                    }
                }
            }
        }
    }
}

/// Where the programs of the three roles are.
enum Roles {
    /// They are commands of this program, not programs beside it.
    @TaskLocal static var areInThisProgram = false

    /// The commands of the roles, for a program that starts itself again.
    static let commands: [any ParsableCommand.Type] = [ActorRoleCommand.self, LearnerRoleCommand.self, CoordinatorRoleCommand.self]
}

/// `actor`, `learner` and `coordinator` as commands of one program.
private enum RoleName {
    static func configuration(_ name: String, like other: CommandConfiguration) -> CommandConfiguration {
        CommandConfiguration(commandName: name, abstract: other.abstract, discussion: other.discussion, shouldDisplay: false)
    }
}

struct ActorRoleCommand: ParsableCommand {
    static let configuration = RoleName.configuration("actor", like: ActorCommand.configuration)
    @OptionGroup var command: ActorCommand
    func run() throws { try command.run() }
}

struct LearnerRoleCommand: ParsableCommand {
    static let configuration = RoleName.configuration("learner", like: LearnerCommand.configuration)
    @OptionGroup var command: LearnerCommand
    func run() throws { try command.run() }
}

struct CoordinatorRoleCommand: ParsableCommand {
    static let configuration = RoleName.configuration("coordinator", like: CoordinatorCommand.configuration)
    @OptionGroup var command: CoordinatorCommand
    func run() throws { try command.run() }
}
