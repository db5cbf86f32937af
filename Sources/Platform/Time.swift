import Glibc

/// A point on a monotonic clock, in nanoseconds. State machines take it as a parameter and never ask for it.
public struct Time: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static let zero = Time(nanoseconds: 0)
    public static func seconds(_ seconds: Double) -> Time { Time(nanoseconds: Int64(seconds * 1e9)) }

    public static func < (a: Time, b: Time) -> Bool { a.nanoseconds < b.nanoseconds }
    public static func + (time: Time, seconds: Double) -> Time { Time(nanoseconds: time.nanoseconds + Int64(seconds * 1e9)) }
    /// The seconds from `b` to `a`.
    public static func - (a: Time, b: Time) -> Double { Double(a.nanoseconds - b.nanoseconds) * 1e-9 }

    /// The machine's monotonic clock: the same for every process on this host.
    public static var now: Time { read(CLOCK_MONOTONIC) }

    /// Seconds since 1970, for records that people read.
    public static var wall: Double { Double(read(CLOCK_REALTIME).nanoseconds) * 1e-9 }

    /// When this process was started, on the clock of `now`. Start-up time (dynamic linking included) counts in every duration we report.
    public static var processStart: Time {
        guard let stat = try? Files.read("/proc/self/stat"),
            // The command's name may hold spaces and parentheses: fields are counted from the last ")". Field 22 is the start in ticks.
            let close = stat.lastIndex(of: UInt8(ascii: ")"))
        else { return now }
        let fields = stat[(close + 2)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, let ticks = Int64(String(decoding: fields[19], as: UTF8.self)) else { return now }
        let sinceBoot = Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
        return now + (sinceBoot - Double(read(CLOCK_BOOTTIME).nanoseconds) * 1e-9)
    }

    private static func read(_ clock: clockid_t) -> Time {
        var value = timespec()
        clock_gettime(clock, &value)
        return Time(nanoseconds: Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec))
    }
}
