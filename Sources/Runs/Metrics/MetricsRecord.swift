import Platform

/// What was measured at one moment of a run: one line of `metrics.jsonl`.
public struct MetricsRecord: Sendable {
    /// Seconds since 1970.
    public var time: Double
    /// The learner's policy version.
    public var version: UInt64
    /// Environment steps so far, over all actors.
    public var frames: UInt64
    /// Named numbers, in the order in which they are written. Every name stands once, and none is time, version or frames.
    public var scalars: [(name: String, value: Double)]

    public init(time: Double, version: UInt64, frames: UInt64, scalars: [(name: String, value: Double)] = []) {
        self.time = time
        self.version = version
        self.frames = frames
        self.scalars = scalars
    }

    /// The number called `name`, `time`, `version` and `frames` included.
    public func value(_ name: String) -> Double? {
        switch name {
        case "time": time
        case "version": Double(version)
        case "frames": Double(frames)
        default: scalars.first { $0.name == name }?.value
        }
    }

    /// One JSON object without a line break: time, version, frames, then the scalars in their order. Numbers that are not finite, which
    /// JSON does not have, are the strings "NaN", "Infinity" and "-Infinity".
    public var line: String {
        precondition(Set(scalars.map(\.name)).union(["time", "version", "frames"]).count == scalars.count + 3, "every name stands once")
        let members: [JSON.Member] =
            [
                .init("time", Self.json(time)), .init("version", .integer(Int(clamping: version))),
                .init("frames", .integer(Int(clamping: frames))),
            ] + scalars.map { .init($0.name, Self.json($0.value)) }
        return String(decoding: JSON.object(members).serialized(), as: UTF8.self)
    }

    /// Reads what `line` wrote; nil when it is anything else.
    public init?(line: [UInt8]) {
        guard let json = try? JSON.parse(line, place: "a line"), let members = json.object, let time = json["time"].flatMap(Self.number),
            let version = json["version"]?.integer, version >= 0, let frames = json["frames"]?.integer, frames >= 0
        else { return nil }
        self.init(time: time, version: UInt64(version), frames: UInt64(frames))
        for member in members where !["time", "version", "frames"].contains(member.name) {
            guard let value = Self.number(member.value) else { return nil }
            scalars.append((member.name, value))
        }
    }

    private static func json(_ value: Double) -> JSON {
        if value.isNaN { return .string("NaN") }
        if value.isInfinite { return .string(value < 0 ? "-Infinity" : "Infinity") }
        // Whole numbers without ".0"; a negative zero stays what it is.
        if let whole = Int(exactly: value), abs(value) < 0x1p53, whole != 0 || value.sign == .plus { return .integer(whole) }
        return .number(value)
    }

    private static func number(_ json: JSON) -> Double? {
        switch json {
        case .string("NaN"): .nan
        case .string("Infinity"): .infinity
        case .string("-Infinity"): -.infinity
        default: json.number
        }
    }
}

extension MetricsRecord: Equatable {
    /// Equal as written: NaN equals NaN.
    public static func == (a: Self, b: Self) -> Bool { a.line == b.line }
}
