/// How far a member's clock is ahead of the coordinator's, from the times that its heartbeats carry.
///
/// A heartbeat that was long under way makes the clock look behind, and none makes it look ahead: the highest of the last ones is nearest.
struct ClockOffset: Sendable {
    private static let kept = 8
    private var recent: [Double] = []

    mutating func add(sent: Double, received: Double) {
        if recent.count == Self.kept { recent.removeFirst() }
        recent.append(sent - received)
    }

    var seconds: Double? { recent.max() }
}
