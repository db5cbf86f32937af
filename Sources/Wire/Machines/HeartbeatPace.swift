/// How often members say that they live: the more there are, the less often each of them, so that hearing all of them costs the coordinator
/// no more than hearing a thousand.
public enum HeartbeatPace {
    /// Up to so many members the interval stays what it is.
    static let members = 1000
    /// Whoever has missed so many heartbeats is taken for gone.
    static let missed = 6.0

    /// - Parameter shortest: with few members, in seconds.
    public static func interval(members count: Int, atLeast shortest: Double = 0.5) -> Double {
        shortest * max(1, Double(count) / Double(members))
    }
}
