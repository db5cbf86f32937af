import Platform

/// How a run ended: `result.json` in its directory, written when it is over and removed when it goes on.
public struct RunResult: Sendable, Equatable {
    public var solved: Bool
    public var reason: String
    public var version: UInt64
    public var frames: UInt64
    /// Mean over the last training episodes.
    public var trainingReturn: Double?
    /// Mean over the evaluation episodes of exactly this version.
    public var evaluationReturn: Double?

    public init(solved: Bool, reason: String, version: UInt64, frames: UInt64, trainingReturn: Double?, evaluationReturn: Double?) {
        self.solved = solved
        self.reason = reason
        self.version = version
        self.frames = frames
        self.trainingReturn = trainingReturn
        self.evaluationReturn = evaluationReturn
    }

    private static func path(_ directory: RunDirectory) -> String { "\(directory.path)/result.json" }

    public static func exists(in directory: RunDirectory) -> Bool { Files.exists(path(directory)) }

    public static func clear(in directory: RunDirectory) throws(FileError) {
        if exists(in: directory) { try Files.remove(path(directory)) }
    }

    public func write(to directory: RunDirectory) throws(FileError) {
        try Files.writeAtomically(JSON.object(members).serialized() + [UInt8(ascii: "\n")], to: Self.path(directory))
    }

    /// nil while the run is not over.
    public static func read(from directory: RunDirectory) throws -> RunResult? {
        guard exists(in: directory) else { return nil }
        let json = try JSON.parse(Files.read(path(directory)), place: path(directory))
        return RunResult(
            solved: json["solved"]?.bool ?? false, reason: json["reason"]?.string ?? "", version: UInt64(json["version"]?.integer ?? 0),
            frames: UInt64(json["frames"]?.integer ?? 0), trainingReturn: json["training_return"]?.number,
            evaluationReturn: json["evaluation_return"]?.number)
    }

    /// As it stands in reports.
    public var members: [JSON.Member] {
        [
            JSON.Member("solved", .bool(solved)), JSON.Member("reason", .string(reason)), JSON.Member("version", .integer(Int(version))),
            JSON.Member("frames", .integer(Int(frames))), JSON.Member("training_return", trainingReturn.map(JSON.number) ?? .null),
            JSON.Member("evaluation_return", evaluationReturn.map(JSON.number) ?? .null),
        ]
    }
}
