import Platform
import Tensors

/// The environments that a run may name.
public struct EnvironmentCatalogue {
    /// What Apus brings.
    public static var standard: EnvironmentCatalogue { EnvironmentCatalogue([CartPole.self]) }

    /// In the order in which they are listed.
    public let environments: [any Environment.Type]

    public init(_ environments: [any Environment.Type]) {
        self.environments = environments
    }

    public var ids: [String] { environments.map { $0.id } }

    /// The environment of that name.
    public func environment(id: String) throws(EnvironmentError) -> any Environment.Type {
        guard let found = environments.first(where: { $0.id == id }) else { throw EnvironmentError(unknown: id, known: ids) }
        return found
    }

    /// `slots` instances of an environment.
    public func make(id: String, slots: Int, key: RandomKey) throws(EnvironmentError) -> any Slots {
        func open<E: Environment>(_ environment: E.Type) -> any Slots { VectorSlots<E>(count: slots, key: key) }
        let environment = try environment(id: id)
        guard slots > 0 else { throw EnvironmentError(slots: slots, id: id) }
        return open(environment)
    }
}

/// Why there is no such environment.
public struct EnvironmentError: Remediable, Equatable {
    public let problem: String
    public let place: String
    public let remedy: String

    init(unknown id: String, known: [String]) {
        problem = "unknown environment \"\(id)\""
        place = "environment.id"
        remedy = (nearest(to: id, in: known).map { "Did you mean \"\($0)\"? " } ?? "") + "Known: \(known.joined(separator: ", "))."
    }

    init(slots: Int, id: String) {
        problem = "\(slots) slots of \(id)"
        place = "actors.slots"
        remedy = "Ask for at least one slot."
    }
}
