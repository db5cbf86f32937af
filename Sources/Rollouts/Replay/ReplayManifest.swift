import Platform

/// Which files of a replay's directory make up one checkpoint of it, with their checksums, and the few numbers beside them.
public struct ReplayManifest: Sendable, Equatable {
    struct File: Sendable, Equatable {
        var name: String
        var length: Int
        /// Eight hexadecimal digits.
        var crc32c: String
    }
    struct Segment: Sendable, Equatable {
        var file: File
        var firstKey: UInt64
        var sequences: Int
        var finals: Int
    }

    static let format = 1
    /// What the sequences are, in words: a replay takes back only what fits.
    var layout: String
    var state: ReplaySnapshot.State
    var index: File
    /// In the order of their keys, without gaps.
    var segments: [Segment]

    /// How many sequences were stored.
    public var sequences: Int { segments.reduce(0) { $0 + $1.sequences } }
    /// Bytes of all its files.
    public var byteCount: Int { segments.reduce(index.length) { $0 + $1.file.length } }
    var names: [String] { [index.name] + segments.map(\.file.name) }

    init(layout: String, state: ReplaySnapshot.State, index: File, segments: [Segment]) {
        (self.layout, self.state, self.index, self.segments) = (layout, state, index, segments)
    }

    /// As text, to be kept with the run's checkpoint.
    public var json: [UInt8] {
        func members(_ file: File) -> [JSON.Member] {
            [.init("name", .string(file.name)), .init("length", .integer(file.length)), .init("crc32c", .string(file.crc32c))]
        }
        func key(_ name: String, _ key: UInt64) -> JSON.Member { .init(name, .integer(Int(key))) }
        let counters = state.counters
        return JSON.object([
            .init("format", .integer(Self.format)), .init("layout", .string(layout)), key("first_key", state.firstKey),
            key("next_key", state.nextKey), key("cursor", state.cursor), key("sample_calls", state.sampleCalls),
            .init("inserts", .integer(counters.inserts)), .init("samples", .integer(counters.samples)),
            .init("deletes", .integer(counters.deletes)), .init("maximum_priority", .number(Double(state.maximumPriority))),
            .init("stale_updates", .integer(state.staleUpdates)), .init("index", .object(members(index))),
            .init(
                "segments",
                .array(
                    segments.map {
                        .object(
                            members($0.file) + [
                                key("first_key", $0.firstKey), .init("sequences", .integer($0.sequences)), .init("finals", .integer($0.finals)),
                            ])
                    })),
        ]).serialized() + [UInt8(ascii: "\n")]
    }

    /// - Throws: `ReplayError` that names what is missing or contradicts the rest.
    public init(json bytes: [UInt8], place: String = "the replay's manifest") throws(ReplayError) {
        func damaged(_ problem: String) -> ReplayError {
            ReplayError(.damaged, problem, place: place, remedy: "Use an older checkpoint, or go on without what was stored.")
        }
        let json: JSON
        do { json = try JSON.parse(bytes, place: place) } catch { throw damaged("it is no JSON: \(error.problem)") }
        func count(_ object: JSON, _ name: String, below limit: Int = 1 << 62) throws(ReplayError) -> Int {
            guard let value = object[name]?.integer, value >= 0, value < limit else { throw damaged("\(name) is no number from 0 on") }
            return value
        }
        func file(_ object: JSON?) throws(ReplayError) -> File {
            guard let object, let name = object["name"]?.string, let sum = object["crc32c"]?.string else { throw damaged("a file has no name") }
            // A name leads nowhere else than into the directory.
            guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/"), !name.utf8.contains(0) else { throw damaged("\"\(name)\" is no file's name") }
            return File(name: name, length: try count(object, "length"), crc32c: sum)
        }
        guard try count(json, "format") == Self.format else { throw damaged("its format is not \(Self.format)") }
        guard let layout = json["layout"]?.string else { throw damaged("layout is missing") }
        guard let priority = json["maximum_priority"]?.number.map(Float.init), priority >= 0, priority.isFinite else {
            throw damaged("maximum_priority is no number from 0 on")
        }
        self.layout = layout
        state = ReplaySnapshot.State(
            firstKey: UInt64(try count(json, "first_key")), nextKey: UInt64(try count(json, "next_key")),
            cursor: UInt64(try count(json, "cursor")), sampleCalls: UInt64(try count(json, "sample_calls")),
            counters: .init(
                inserts: try count(json, "inserts"), samples: try count(json, "samples"), deletes: try count(json, "deletes")),
            maximumPriority: priority, staleUpdates: try count(json, "stale_updates"))
        index = try file(json["index"])
        segments = []
        var next = state.firstKey
        for object in json["segments"]?.array ?? [] {
            let segment = Segment(
                file: try file(object), firstKey: UInt64(try count(object, "first_key")),
                sequences: try count(object, "sequences", below: 1 << 32), finals: try count(object, "finals", below: 1 << 32))
            guard segment.firstKey == next else { throw damaged("the segments have a gap before key \(segment.firstKey)") }
            next += UInt64(segment.sequences)
            segments.append(segment)
        }
        guard next == state.nextKey, state.firstKey >= 1, state.cursor <= next, index.length == 8 * sequences else {
            throw damaged("the segments end at key \(next), the rest says \(state.nextKey)")
        }
    }
}
