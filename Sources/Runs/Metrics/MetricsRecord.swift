/// What was measured at one moment of a run: one line of `metrics.jsonl`.
public struct MetricsRecord: Sendable {
    /// Seconds since 1970.
    public var time: Double
    /// The learner's policy version.
    public var version: UInt64
    /// Environment steps so far, over all actors.
    public var frames: UInt64
    /// Named numbers, in the order in which they are written.
    public var scalars: [(name: String, value: Double)]

    public init(time: Double, version: UInt64, frames: UInt64, scalars: [(name: String, value: Double)] = []) {
        self.time = time
        self.version = version
        self.frames = frames
        self.scalars = scalars
    }

    /// The number called `name`, `time`, `version` and `frames` included; the first of equal names.
    public func value(_ name: String) -> Double? {
        switch name {
        case "time": time
        case "version": Double(version)
        case "frames": Double(frames)
        default: scalars.first { $0.name == name }?.value
        }
    }

    /// One JSON object without a line break: time, version, frames, then the scalars in their order. Numbers that are not finite are the strings
    /// "NaN", "Infinity" and "-Infinity".
    public var line: String {
        var line = "{\"time\":\(JSONText.number(time)),\"version\":\(version),\"frames\":\(frames)"
        for (name, value) in scalars { line += ",\(JSONText.quoted(name)):\(JSONText.number(value))" }
        return line + "}"
    }

    /// Reads what `line` wrote; nil when it is anything else.
    public init?(line: some StringProtocol) {
        guard let fields = JSONText.flatObject(line) else { return nil }
        var time: Double?
        var version: UInt64?
        var frames: UInt64?
        var scalars: [(name: String, value: Double)] = []
        for (name, text) in fields {
            switch name {
            case "time": time = Double(text)
            case "version": version = UInt64(text)
            case "frames": frames = UInt64(text)
            default:
                guard let value = Double(text) else { return nil }
                scalars.append((name, value))
            }
        }
        guard let time, let version, let frames else { return nil }
        self.init(time: time, version: version, frames: frames, scalars: scalars)
    }
}

extension MetricsRecord: Equatable {
    /// Equal as written: NaN equals NaN.
    public static func == (a: Self, b: Self) -> Bool { a.line == b.line }
}
