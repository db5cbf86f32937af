import Wire

extension MemberStatus {
    /// The learner's gauges are those of its records, where the shares carry its role.
    private var prefix: String { role == .learner ? "learner_" : "" }

    public var busyShare: Double? { self["\(prefix)busy_share"] }

    public var waitShares: [(name: String, share: Double)] {
        let start = "\(prefix)wait_share/"
        return gauges.filter { $0.name.hasPrefix(start) }.map { (String($0.name.dropFirst(start.count)), $0.value) }
    }
}
