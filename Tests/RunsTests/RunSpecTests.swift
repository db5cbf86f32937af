import Glibc
import Platform
import Runs
import Testing

@Suite struct RunSpecTests {
    private func error(_ yaml: String, _ overrides: [String] = []) -> RunSpecError? {
        #expect(throws: RunSpecError.self) { try RunSpec.parse(yaml, place: "x.yaml", overrides: overrides) }
    }

    @Test func emptyFileIsTheDefault() throws {
        #expect(try RunSpec.parse("", place: "x") == RunSpec())
        #expect(try RunSpec.parse("actors:\n", place: "x") == RunSpec())
    }

    /// The keys come from the type; each has its line, and no line is about a key that is not there.
    @Test func documentationCoversExactlyTheKeys() throws {
        #expect(RunSpec.documentation.map(\.key) == (try RunSpec.keys()))
        #expect(RunSpec.documentation.allSatisfy { !$0.text.isEmpty && !$0.text.contains("\n") })
        #expect(try RunSpec.keys().contains("stop.return"))
    }

    @Test(arguments: [false, true])
    func writtenFileReloadsToAnEqualValue(commented: Bool) throws {
        var spec = RunSpec()
        spec.name = "yes"
        spec.seed = .max
        spec.network.hidden = []
        spec.network.activation = .relu
        spec.method.options = ["rho_bar": 1.5, "c_bar": 0.1, "lambda": 1e-30, "huge": .infinity]
        spec.optimizer.learningRate = 0.1 + 0.2
        spec.stop.return = -17.25
        spec.stop.seconds = 1e17
        let text = try spec.yaml(commented: commented)
        #expect(try RunSpec.parse(text, place: "x") == spec, "\(text)")
        #expect(try RunSpec.parse(RunSpec().yaml(commented: commented), place: "x") == RunSpec())
        if commented { for (_, line) in RunSpec.documentation { #expect(text.contains("# \(line)\n")) } }
        #expect(try spec.yaml(commented: commented) == text)
    }

    @Test func everyPresetFileIsOfferedAndLoads() throws {
        let folder = Files.parent(of: Files.parent(of: Files.parent(of: #filePath))) + "/Sources/Runs/Presets"
        #expect(try Files.list(folder) == RunSpec.presets.map { "\($0).yaml" })
        for preset in RunSpec.presets { #expect(try RunSpec.load(preset).name == preset) }
        let cartpole = try RunSpec.load("cartpole")
        #expect(cartpole.environment.id == "CartPole-v1")
        #expect(cartpole.network.hidden == [64, 64])
        #expect(cartpole.stop.return == 475)
    }

    @Test func anotherMethodTakesOverTheOptionsThatItKnows() throws {
        let yaml = "method: {id: vtrace, options: {discount: 0.98, rho_bar: 2, entropy: 0.02}}"
        func options(_ overrides: [String]) throws -> [String: Double] {
            try RunSpec.parse(yaml, place: "x.yaml", overrides: overrides).method.options
        }
        #expect(try options(["method.id=a2c"]) == ["discount": 0.98, "entropy": 0.02])
        #expect(try options(["method.id=a2c", "method.options.lambda=0.5"]) == ["discount": 0.98, "entropy": 0.02, "lambda": 0.5])
        #expect(try options(["method.id=vtrace"]).count == 3)
        // What an override sets is the caller's, and is refused where the method is made.
        #expect(try options(["method.id=a2c", "method.options.rho_bar=3"])["rho_bar"] == 3)
        #expect(try options(["method.id=unknown"]).count == 3)
    }

    @Test func anotherEnvironmentHasNoneOfTheOptionsOfTheFile() throws {
        func options(_ overrides: [String]) throws -> [String: Double] { try RunSpec.load("addition", overrides: overrides).environment.options }
        let ofFile: [String: Double] = ["digits": 3, "exact": 1, "tasks": 65_536]
        #expect(try options([]) == ofFile && options(["environment.id=addition"]) == ofFile)
        #expect(try options(["environment.id=sort"]) == [:])
        #expect(try options(["environment.options.length=4", "environment.id=sort"]) == ["length": 4])
        // What an override sets is the caller's, and is refused where the environment is made.
        #expect(try options(["environment.id=sort", "environment.options.digits=3"]) == ["digits": 3])
    }

    @Test func overridesAreLaidOverTheFileInOrder() throws {
        let spec = try RunSpec.load(
            "cartpole",
            overrides: [
                "actors.slots=64", "actors.slots=128", "stop.frames=1e6", "network.hidden=[32]", "stop.return=null",
                "method.options.rho_bar=2",
                "optimizer={learning_rate: 1e-4, schedule: constant}", "learner.on_nonfinite=skip", "stop.seconds=.inf",
                "seed=18446744073709551615",
            ])
        #expect(spec.actors.slots == 128)
        #expect(spec.stop.frames == 1_000_000)
        #expect(spec.network.hidden == [32])
        #expect(spec.stop.return == nil)
        #expect(spec.method.options["rho_bar"] == 2)
        #expect(spec.method.options["discount"] == 0.98)
        #expect(spec.optimizer.learningRate == 1e-4)
        #expect(spec.optimizer.schedule == .constant)
        #expect(spec.learner.onNonfinite == .skip)
        #expect(spec.seed == .max)
        #expect(spec.actors.unroll == 16)
    }

    @Test(arguments: [
        ("actors: {slot: 3}", "actors.slot", "actors.slots"),
        ("optimizer: {lerning_rate: 1}", "optimizer.lerning_rate", "optimizer.learning_rate"),
        ("learning_rate: 3", "learning_rate", "optimizer.learning_rate"), ("actor: {count: 1}", "actor", "actors"),
        ("network: {hiddne: [3]}", "network.hiddne", "network.hidden"),
    ])
    func unknownKeyIsRefusedWithTheNearest(yaml: String, key: String, nearest: String) {
        #expect(error(yaml) == .unknownKey(key, nearest: nearest, place: "x.yaml"))
    }

    @Test func unknownKeyFarFromAllHasNoSuggestion() {
        #expect(error("zzzzqqqq: 1") == .unknownKey("zzzzqqqq", nearest: nil, place: "x.yaml"))
    }

    @Test(arguments: [
        ("actors: {slots: many}", "actors.slots", "many", "a whole number"),
        ("actors: {slots: 1.5}", "actors.slots", "1.5", "a whole number"),
        ("actors: {slots: [1]}", "actors.slots", "a list", "a single value"),
        ("actors: {slots: }", "actors.slots", "empty", "a whole number"),
        ("actors: 5", "actors", "5", "a mapping of keys to values"), ("seed: -1", "seed", "-1", "a whole number from 0"),
        ("network: {activation: gelu}", "network.activation", "gelu", "auto or tanh or relu"),
        ("network: {hidden: 64}", "network.hidden", "64", "a list, such as [64, 64]"),
        ("network: {hidden: {a: 1}}", "network.hidden", "a mapping", "a list, such as [64, 64]"),
        ("network: {hidden: [64, x]}", "network.hidden", "x", "a whole number"),
        ("method: {options: {rho_bar: big}}", "method.options.rho_bar", "big", "a number"),
        ("[1, 2]", "the description", "a list", "a mapping of keys to values"),
        ("stop: {return: high}", "stop.return", "high", "a number"),
    ])
    func wrongTypeNamesKeyValueAndExpectation(yaml: String, key: String, value: String, expected: String) {
        #expect(error(yaml) == .wrongType(key: key, value: value, expected: expected, place: "x.yaml"))
    }

    @Test(arguments: [(1, 1, 8), (32, 20, 8), (32, 64, 5), (32, 128, 3), (128, 64, 2), (65_536, 65_536, 2)])
    func creditsFollowTheSizeOfRollouts(slots: Int, unroll: Int, together: Int) {
        var spec = RunSpec()
        (spec.actors.slots, spec.actors.unroll) = (slots, unroll)
        #expect(spec.credits == 2)
        #expect(spec.creditsTogether == together)
        spec.learner.rolloutsPerUpdate = 6
        #expect(spec.creditsTogether == 12, "the rollouts of one update while another's are trained on")
        spec.actors.credits = 3
        #expect((spec.credits, spec.creditsTogether) == (3, 0), "what the run file says holds for every actor")
    }

    /// It rises from the first update on, reaches what the schedule says, and falls as without a rise.
    @Test func stepSizeRisesFirst() throws {
        let optimizer = try RunSpec.parse("", place: "", overrides: ["optimizer.learning_rate=0.5", "optimizer.schedule=linear", "optimizer.warmup_updates=4"]).optimizer
        #expect((0..<6).map { optimizer.stepSize(version: $0, progress: 0) } == [0.125, 0.25, 0.375, 0.5, 0.5, 0.5])
        #expect(optimizer.stepSize(version: 1, progress: 0.5) == 0.125 && optimizer.stepSize(version: 9, progress: 0.5) == 0.25)
        #expect(OptimizerSection().stepSize(version: 0, progress: 0) == 1e-3)
    }

    @Test func wrongOverrideNamesItself() {
        #expect(
            error("", ["actors.slots=many"])
                == .wrongType(key: "actors.slots", value: "many", expected: "a whole number", place: "--set actors.slots=many"))
        #expect(error("", ["actors.slots"]) == .malformedOverride("actors.slots"))
        #expect(error("", ["actors.=1"]) == .unknownKey("actors.", nearest: "actors", place: "--set actors.=1"))
    }

    @Test(arguments: [
        "name=../x", "name=''", "environment.id=''", "network.hidden=[64, 0]", "method.id=''", "method.options.a=.nan",
        "optimizer.learning_rate=0",
        "optimizer.learning_rate=.inf", "optimizer.clip_norm=-1", "optimizer.warmup_updates=-1", "optimizer.epsilon=0", "actors.count=-1", "actors.slots=0",
        "actors.unroll=0",
        "actors.credits=0", "actors.maximum=0", "actors.count=5000", "learner.rollouts_per_update=0", "learner.max_lag=-1", "learner.threads=0", "learner.checkpoint_seconds=0",
        "learner.keep_checkpoints=0", "stop.frames=0", "stop.return=.nan", "stop.episodes=0", "stop.evaluation_episodes=-1",
        "stop.seconds=0",
        "stop.seconds=.nan", "metrics.every_seconds=-1",
    ])
    func valuesOutOfRangeAreRefused(override: String) throws {
        let key = String(override.prefix { $0 != "=" })
        guard case .outOfRange(key, _, let allowed, _) = error("", [override]) else {
            Issue.record("\(override) was not refused for its range")
            return
        }
        #expect(!allowed.isEmpty)
    }

    @Test func badFilesAreExplained() throws {
        guard case .syntax(let detail, "x.yaml") = error("a: [1\nb: 2") else {
            Issue.record("broken YAML was read")
            return
        }
        #expect(!detail.contains("\n"))
        let missing = #expect(throws: RunSpecError.self) { try RunSpec.load("cartpol") }
        #expect(missing == .notFound("cartpol", presets: RunSpec.presets, nearest: "cartpole"))
        #expect(throws: FileError("read", "./none.yaml", code: ENOENT)) { try RunSpec.load("./none.yaml") }
        let twice = #expect(throws: RunSpecError.self) { try RunSpec.parse("seed: 1\nseed: 2", place: "x") }
        #expect(twice != nil)
    }
}
