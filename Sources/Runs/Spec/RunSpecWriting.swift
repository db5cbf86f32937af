import Platform
import Yams

extension RunSpec {
    /// The whole description as one flat object, with the keys as `--set` takes them: {"actors.slots": 16, …}.
    public func json() throws -> JSON {
        .object(
            try SpecTree(self).entries.compactMap { key, node in
                if case .mapping = node, !Self.open.contains(key) { return nil }
                return JSON.Member(key, Self.json(node))
            })
    }

    private static func json(_ node: Node) -> JSON {
        switch node {
        case .mapping(let mapping): .object(mapping.map { JSON.Member($0.string ?? "", json($1)) })
        case .sequence(let sequence): .array(sequence.map(json))
        case .scalar, .alias:
            // A whole number first: it is a floating-point number too.
            node.int.map(JSON.integer) ?? node.float.map(JSON.number) ?? node.bool.map(JSON.bool)
                ?? (node.null == nil ? .string(node.string ?? "") : .null)
        }
    }

    /// The whole description as YAML that loads to an equal value; `commented` puts every key's documentation above it.
    public func yaml(commented: Bool = false) throws -> String {
        let documentation = Dictionary(uniqueKeysWithValues: Self.documentation.map { ($0.key, $0.text) })
        var text = ""
        for (key, node) in try SpecTree(self).entries {
            let path = key.split(separator: ".")
            let indent = String(repeating: "  ", count: path.count - 1)
            if path.count == 1, !text.isEmpty { text += "\n" }
            if commented, let line = documentation[key] { text += "\(indent)# \(line)\n" }
            switch node {
            case .mapping(let mapping) where !Self.open.contains(key):
                text += "\(indent)\(path.last!):\n"
                precondition(!mapping.isEmpty, "a section has keys")
            case .mapping(let mapping):
                // In the order of the names, so that equal descriptions make equal files.
                let sorted = mapping.map { ($0.string ?? "", $1) }.sorted { $0.0 < $1.0 }
                text += "\(indent)\(path.last!):" + (sorted.isEmpty ? " {}\n" : "\n")
                for (name, value) in sorted { text += "\(indent)  \(try Self.inline(Node(name))): \(try Self.inline(value))\n" }
            default:
                text += "\(indent)\(path.last!): \(try Self.inline(node))\n"
            }
        }
        return text
    }

    /// A value on one line.
    private static func inline(_ node: Node) throws -> String {
        if case .sequence(let sequence) = node { return "[" + (try sequence.map(inline)).joined(separator: ", ") + "]" }
        return try Yams.serialize(node: node, width: -1).split(separator: "\n").first.map(String.init) ?? "''"
    }
}
