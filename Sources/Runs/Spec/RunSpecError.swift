import Platform

/// A run description that cannot be used.
public enum RunSpecError: Remediable, Equatable {
    /// Neither a preset nor a file has this name; `presets` are the names that exist.
    case notFound(String, presets: [String], nearest: String?)
    /// The file is not YAML; `detail` is the parser's message with line and column.
    case syntax(detail: String, place: String)
    case unknownKey(String, nearest: String?, place: String)
    /// `key` stands twice in one mapping.
    case repeatedKey(String, place: String)
    case wrongType(key: String, value: String, expected: String, place: String)
    case outOfRange(key: String, value: String, allowed: String, place: String)
    /// An override that is not of the form a.b=c.
    case malformedOverride(String)

    public var problem: String {
        switch self {
        case .notFound(let name, _, _): "there is no preset or file named \(name)"
        case .syntax(let detail, _): "this is not YAML: \(detail)"
        case .unknownKey(let key, _, _): "unknown key \(key)"
        case .repeatedKey(let key, _): "the key \(key) stands here twice"
        case .wrongType(let key, let value, let expected, _): "\(key) is \(value), but must be \(expected)"
        case .outOfRange(let key, let value, let allowed, _): "\(key) is \(value), but must be \(allowed)"
        case .malformedOverride(let text): "cannot read the override \(text)"
        }
    }

    public var place: String {
        switch self {
        case .notFound: "the run's description"
        case .syntax(_, let place), .unknownKey(_, _, let place), .repeatedKey(_, let place), .wrongType(_, _, _, let place),
            .outOfRange(_, _, _, let place):
            place
        case .malformedOverride: "--set"
        }
    }

    public var remedy: String {
        switch self {
        case .notFound(_, let presets, let nearest):
            (nearest.map { "Did you mean \($0)? " } ?? "") + "Give a YAML file or one of the presets: \(presets.joined(separator: ", "))."
        case .syntax: "Correct the file there."
        case .unknownKey(_, let nearest?, _): "Did you mean \(nearest)?"
        case .unknownKey(_, nil, _): "Remove it."
        case .repeatedKey: "Keep one of them."
        case .wrongType(let key, _, _, _): RunSpec.text(for: key).map { "\(key): \($0)." } ?? "Correct the value."
        case .outOfRange(let key, _, _, _): RunSpec.text(for: key).map { "\(key): \($0)." } ?? "Correct the value."
        case .malformedOverride: "Write it as key=value, for example --set actors.slots=64."
        }
    }
}

extension RunSpec {
    /// The documentation of a key; of a free key, that of the one it stands under.
    static func text(for key: String) -> String? {
        documentation.first { $0.key == key }?.text
            ?? open.first { key.hasPrefix($0 + ".") }.flatMap { above in documentation.first { $0.key == above }?.text }
    }
}
