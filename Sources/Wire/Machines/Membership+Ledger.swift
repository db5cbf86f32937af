extension Membership {
    /// What must outlive the coordinator: incarnations never repeat, or two processes would draw the same random numbers.
    public struct Ledger: Sendable, Equatable {
        /// By rank: how many incarnations were handed out.
        public var incarnations: [UInt32: UInt32] = [:]
        public var learnerLives: UInt32 = 0
        /// By rank: whose key its newest incarnation has proved.
        public var holders: [UInt32: MemberIdentity] = [:]
        public init() {}
    }
}

extension Membership.Ledger {
    /// Whether this run ever gave out the place, of the learner's the latest: whoever returns must come from this run.
    func hasGiven(_ place: MemberPlace, to role: Role) -> Bool {
        switch role {
        case .learner: place.incarnation == learnerLives
        case .actor: place.incarnation < incarnations[place.rank] ?? 0
        }
    }

    /// Whether an actor's place is the newest of its rank and belongs to the holder of another key.
    func isHeld(_ place: MemberPlace, byAnotherThan key: AllowedKey?) -> Bool {
        guard let holder = holders[place.rank], place.incarnation + 1 == incarnations[place.rank] else { return false }
        return holder.fingerprint != key?.key.fingerprint ?? 0
    }

    /// The lowest rank that no actor has now, with an incarnation that none has had.
    func freePlace(beside taken: [MemberPlace]) -> MemberPlace {
        let ranks = Set(taken.map(\.rank))
        let rank = (0..<UInt32.max).first { !ranks.contains($0) }!
        return MemberPlace(rank: rank, incarnation: incarnations[rank] ?? 0)
    }

    /// From now on the place is taken, by the holder of a key if there are keys.
    mutating func give(_ place: MemberPlace, to role: Role, holder key: AllowedKey?) {
        switch role {
        case .learner: learnerLives = max(learnerLives, place.incarnation)
        case .actor:
            if place.incarnation >= incarnations[place.rank] ?? 0 { holders[place.rank] = key?.identity }
            incarnations[place.rank] = max(incarnations[place.rank] ?? 0, place.incarnation + 1)
        }
    }
}
