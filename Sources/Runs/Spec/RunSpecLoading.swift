import Methods
import Platform
import Yams

extension RunSpec {
    /// The presets that ship inside, by name, as YAML.
    private static let presetFiles: [(name: String, text: [UInt8])] = [
        ("addition", PackageResources.addition_yaml), ("cartpole", PackageResources.cartpole_yaml),
        ("chain", PackageResources.chain_yaml), ("halfcheetah", PackageResources.halfcheetah_yaml),
        ("lunarlander", PackageResources.lunarlander_yaml), ("minatar-breakout", PackageResources.minatar_breakout_yaml),
        ("pendulum", PackageResources.pendulum_yaml), ("pong", PackageResources.pong_yaml),
    ]

    /// The names of the presets.
    public static var presets: [String] { presetFiles.map(\.name) }

    /// Loads a preset or a YAML file, applies `overrides` ("actors.slots=64") in order, and checks every key and value.
    ///
    /// A preset's name wins over a file of the same name: write `./cartpole` for the file.
    /// - Throws: `RunSpecError`, or `FileError` when the file cannot be read.
    public static func load(_ presetOrPath: String, overrides: [String] = []) throws -> RunSpec {
        let text: [UInt8]
        if let preset = presetFiles.first(where: { $0.name == presetOrPath }) {
            text = preset.text
        } else if Files.exists(presetOrPath) || presetOrPath.contains("/") || presetOrPath.hasSuffix(".yaml") {
            text = try Files.read(presetOrPath)
        } else {
            throw RunSpecError.notFound(presetOrPath, presets: presets, nearest: Platform.nearest(to: presetOrPath, in: presets))
        }
        return try parse(String(decoding: text, as: UTF8.self), place: presetOrPath, overrides: overrides)
    }

    /// Reads a YAML text; `place` is named in errors.
    public static func parse(_ yaml: String, place: String, overrides: [String] = []) throws -> RunSpec {
        var tree = try SpecTree()
        try tree.overlay(yaml: yaml, place: place)
        let file = try tree.decoded(place: place)
        for text in overrides {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { throw RunSpecError.malformedOverride(text) }
            try tree.overlay(value: String(text[text.index(after: equals)...]), at: String(text[..<equals]), place: "--set \(text)")
        }
        var spec = try tree.decoded(place: place)
        // Options of an environment say nothing of another one.
        if spec.environment.id != file.environment.id {
            spec.environment.options = spec.environment.options.filter { name, _ in !tree.wasSet("environment.options.\(name)", at: place) }
        }
        if spec.method.id != file.method.id { spec.method.options = optionsOfAnotherMethod(spec.method) { tree.wasSet($0, at: place) } }
        try spec.validate(place: place)
        return spec
    }

    /// What is left of a file's options where an override has chosen another method: those that it has too. What an override itself
    /// sets stays, right or wrong.
    private static func optionsOfAnotherMethod(_ method: MethodSection, isOfFile: (String) -> Bool) -> [String: Double] {
        guard let entry = try? MethodCatalogue.current.method(id: method.id) else { return method.options }
        let known = Set(entry.options.map(\.name))
        return method.options.filter { name, _ in known.contains(name) || !isOfFile("method.options.\(name)") }
    }
}
