import Platform

/// What a replay refuses to do.
public struct ReplayError: Remediable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// A setting that cannot work, alone or beside others.
        case settings
        /// More bytes than there are, or too few to hold anything.
        case capacity
        /// The rate limiter lets nobody sample or insert now.
        case blocked
        /// A window that the stored sequences do not have.
        case window
        /// A priority that is no finite number from 0 on.
        case priority
        /// A dataset takes nothing in.
        case readOnly
        /// A file of a checkpoint that is not what was written.
        case damaged
        /// A checkpoint of another environment, network or length.
        case mismatch
    }

    public let kind: Kind
    public let problem: String
    public let place: String
    public let remedy: String

    package init(_ kind: Kind, _ problem: String, place: String, remedy: String) {
        self.kind = kind
        self.problem = problem
        self.place = place
        self.remedy = remedy
    }
}
