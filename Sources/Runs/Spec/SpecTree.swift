import Foundation
import Platform
import Yams

/// A run description as a tree of YAML nodes: the encoded default, over which files and overrides are laid key by key.
///
/// The default's own keys say which keys exist, so the type is the only place where they are declared.
struct SpecTree {
    private var root: Node
    /// Where each key that was set came from, for errors about its value.
    private var places: [String: String] = [:]

    init(_ spec: RunSpec = RunSpec()) throws {
        // Through JSON, whose numbers are the shortest that read back as the same; Yams rounds them to fifteen digits.
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "\(Self.mark).inf", negativeInfinity: "\(Self.mark)-.inf", nan: "\(Self.mark).nan")
        root = Self.plain(try Yams.compose(yaml: String(decoding: encoder.encode(spec), as: UTF8.self))!)
    }

    /// Tells the numbers that JSON cannot write from texts: a character of the private area.
    private static let mark = "\u{E000}"

    /// JSON's nodes as somebody would write them in YAML: texts unquoted where they are not needed.
    private static func plain(_ node: Node) -> Node {
        switch node {
        case .scalar(let scalar) where scalar.string.hasPrefix(mark): return Node(String(scalar.string.dropFirst()), Tag(.float))
        case .scalar(let scalar) where scalar.style == .doubleQuoted: return .scalar(scalar.string.represented())
        case .scalar, .alias: return node
        case .sequence(let sequence): return Node(sequence.map(plain))
        case .mapping(let mapping): return Node(mapping.map { (plain($0), plain($1)) })
        }
    }

    /// Every key with its value, sections included, in the order of the documentation: ("actors", mapping), ("actors.count", scalar), …
    var entries: [(key: String, value: Node)] {
        let order = Dictionary(uniqueKeysWithValues: RunSpec.documentation.enumerated().map { ($1.key, $0) })
        return Self.entries(root, under: "").sorted { (order[$0.key] ?? .max, $0.key) < (order[$1.key] ?? .max, $1.key) }
    }

    private static func entries(_ node: Node, under prefix: String) -> [(key: String, value: Node)] {
        guard case .mapping(let mapping) = node, !RunSpec.open.contains(prefix) else { return [] }
        return mapping.flatMap { key, value in
            let path = prefix.isEmpty ? key.string ?? "" : "\(prefix).\(key.string ?? "")"
            return [(path, value)] + entries(value, under: path)
        }
    }

    mutating func overlay(yaml: String, place: String) throws(RunSpecError) {
        guard let node = try Self.composed(yaml, place: place) else { return }
        root = try overlaid(root, with: node, at: "", place: place)
    }

    /// Sets one key, as in "actors.slots" = "64".
    mutating func overlay(value: String, at path: String, place: String) throws(RunSpecError) {
        let scalar = try Self.composed(value, place: place) ?? Node("", Tag(.str))
        // The same walk as for a file: a.b=c is the file "a: {b: c}".
        let node = path.split(separator: ".", omittingEmptySubsequences: false).reversed().reduce(scalar) { below, key in
            Node([(Node(String(key)), below)])
        }
        root = try overlaid(root, with: node, at: "", place: place)
    }

    /// Whether a key's value was last set at this place.
    func wasSet(_ key: String, at place: String) -> Bool { places[key] == place }

    func decoded(place: String) throws -> RunSpec {
        do {
            return try YAMLDecoder().decode(RunSpec.self, from: root)
        } catch DecodingError.typeMismatch(let type, let context) {
            throw refusal(context.codingPath, expected: Self.name(of: type), place: place)
        } catch DecodingError.valueNotFound(let type, let context) {
            throw refusal(context.codingPath, expected: Self.name(of: type), place: place)
        } catch DecodingError.dataCorrupted(let context) {
            throw refusal(context.codingPath, expected: "a value of the right kind", place: place)
        }
    }

    private func refusal(_ path: [any CodingKey], expected: String, place: String) -> RunSpecError {
        // The index in a list is left out of the key, but used to find the value.
        let key = path.filter { $0.intValue == nil }.map(\.stringValue).joined(separator: ".")
        let node = path.reduce(Optional(root)) { node, step in step.intValue.map { node?.sequence?[$0] } ?? node?[step.stringValue] }
        return .wrongType(key: key, value: node.map(Self.shown) ?? "missing", expected: expected, place: places[key] ?? place)
    }

    private static func composed(_ yaml: String, place: String) throws(RunSpecError) -> Node? {
        do {
            return try Yams.compose(yaml: yaml)
        } catch {
            let detail = "\(error)".split(separator: "\n").joined(separator: " ")
            throw .syntax(detail: detail, place: place)
        }
    }

    private mutating func overlaid(_ base: Node, with node: Node, at path: String, place: String) throws(RunSpecError) -> Node {
        guard case .mapping(var known) = base else {
            places[path] = place
            let expected = base.sequence == nil ? "a single value" : "a list, such as [64, 64]"
            guard (base.sequence == nil) == (node.sequence == nil), node.mapping == nil else {
                throw .wrongType(key: path, value: Self.shown(node), expected: expected, place: place)
            }
            return Self.whole(node, like: base)
        }
        if node.null != nil { return base }  // "actors:" with nothing below changes nothing
        guard case .mapping(let given) = node else {
            let key = path.isEmpty ? "the description" : path
            throw .wrongType(key: key, value: Self.shown(node), expected: "a mapping of keys to values", place: place)
        }
        var seen: Set<String> = []
        for (keyNode, value) in given {
            let name = keyNode.string ?? Self.shown(keyNode)
            let key = path.isEmpty ? name : "\(path).\(name)"
            guard seen.insert(name).inserted else { throw .repeatedKey(key, place: place) }
            if let below = known[keyNode] {
                known[keyNode] = try overlaid(below, with: value, at: key, place: place)
            } else if RunSpec.open.contains(path) {
                places[key] = place
                known[keyNode] = value
            } else {
                throw .unknownKey(key, nearest: nearest(to: key), place: place)
            }
        }
        return .mapping(known)
    }

    /// The nearest key by its whole path; or, where only the section was left out or mistaken, the one of that last name.
    private func nearest(to key: String) -> String? {
        let keys = entries.map(\.key)
        let last = key.split(separator: ".").last ?? ""
        return keys.first { $0.split(separator: ".").last == last } ?? Platform.nearest(to: key, in: keys)
    }

    /// "1e6" where a whole number is expected is one million.
    private static func whole(_ node: Node, like base: Node) -> Node {
        guard base.int != nil || base.null != nil, node.int == nil, let value = node.float, let exact = Int(exactly: value) else { return node }
        return Node(String(exact), Tag(.int))
    }

    static func shown(_ node: Node) -> String {
        switch node {
        case .scalar(let scalar): scalar.string.isEmpty ? "empty" : scalar.string
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is Int.Type: "a whole number"
        case is UInt64.Type: "a whole number from 0"
        case is Double.Type: "a number"
        case is String.Type: "a text"
        case let choice as any Choice.Type: choice.names
        default: "a value of the right kind"
        }
    }
}

extension RunSpec {
    /// Every key that a description may have, in the order of the file; sections are keys too.
    public static func keys() throws -> [String] { try SpecTree().entries.map(\.key) }
}
