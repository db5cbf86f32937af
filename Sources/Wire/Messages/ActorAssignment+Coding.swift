import CWire
import Environments
import Networks
import Platform
import Rollouts

extension ActorAssignment {
    func message(_ arena: inout Arena) -> Apus__ActorAssignment {
        var message = Apus__ActorAssignment()
        apus__actor_assignment__init(&message)
        message.environment = arena.message(environment.message(&arena))
        message.slots = UInt32(clamping: slots)
        message.unroll = UInt32(clamping: unroll)
        message.seed = seed
        message.network = arena.message(network.message(&arena))
        if case .epsilonGreedy(let ladder) = exploration { message.exploration = arena.message(ladder.message) }
        message.keeps_policy = keepsPolicy ? 1 : 0
        if let tokens { message.tokens = arena.message(tokens.message(&arena)) }
        return message
    }

    init(_ message: Apus__ActorAssignment) throws(WireError) {
        guard let environment = message.environment else { throw .missing(field: "ActorAssignment.environment") }
        guard let network = message.network else { throw .missing(field: "ActorAssignment.network") }
        self.init(
            environment: EnvironmentSettings(environment.pointee), slots: try inside("ActorAssignment.slots", message.slots, 1...65536),
            unroll: try inside("ActorAssignment.unroll", message.unroll, 1...65536), seed: message.seed,
            network: try NetworkSettings(network.pointee),
            exploration: try message.exploration.map { pointer throws(WireError) in
                Exploration.epsilonGreedy(try EpsilonLadder(pointer.pointee))
            } ?? .policy,
            keepsPolicy: message.keeps_policy != 0,
            tokens: try message.tokens.map { pointer throws(WireError) in try TokenAssignment(pointer.pointee) })
    }
}

extension TokenAssignment {
    fileprivate func message(_ arena: inout Arena) -> Apus__TokenAssignment {
        var message = Apus__TokenAssignment()
        apus__token_assignment__init(&message)
        // Sorted, so that one run file makes one message.
        func gauges(_ numbers: NamedNumbers) -> [Gauge] { numbers.values.sorted { $0.key < $1.key }.map { Gauge($0.key, $0.value) } }
        let lists = [transformer, sampling.numbers, plan.numbers].map(gauges)
        (message.n_transformer, message.transformer) = (lists[0].count, arena.messages(lists[0]) { $0.message(&$1) })
        (message.n_sampling, message.sampling) = (lists[1].count, arena.messages(lists[1]) { $0.message(&$1) })
        (message.n_plan, message.plan) = (lists[2].count, arena.messages(lists[2]) { $0.message(&$1) })
        message.guidance = UInt32(clamping: guidance)
        return message
    }

    fileprivate init(_ message: Apus__TokenAssignment) throws(WireError) {
        func numbers(_ gauges: [Gauge]) -> NamedNumbers { NamedNumbers(Dictionary(gauges.map { ($0.name, $0.value) }) { $1 }) }
        do {
            self.init(
                transformer: numbers(elements(message.n_transformer, message.transformer).map { Gauge($0) }),
                sampling: try SamplingSettings(numbers(elements(message.n_sampling, message.sampling).map { Gauge($0) }), place: "sampling"),
                plan: try GroupPlan(numbers(elements(message.n_plan, message.plan).map { Gauge($0) }), place: "plan"),
                guidance: try inside("TokenAssignment.guidance", message.guidance, 0...1 << 24))
        } catch let error as NumberError {
            throw .invalid(field: "TokenAssignment.\(error.place)", value: error.problem, allowed: "the settings of this protocol version")
        } catch let error as WireError {
            throw error
        } catch {
            throw .invalid(field: "TokenAssignment", value: "\(error)", allowed: "the settings of this protocol version")
        }
    }
}

extension EpsilonLadder {
    fileprivate var message: Apus__EpsilonLadder {
        var message = Apus__EpsilonLadder()
        apus__epsilon_ladder__init(&message)
        message.epsilon = base
        message.exponent = exponent
        message.decay_versions = decayVersions
        message.slots = UInt32(clamping: slots)
        return message
    }

    fileprivate init(_ message: Apus__EpsilonLadder) throws(WireError) {
        func inside(_ field: String, _ value: Float, _ range: ClosedRange<Float>) throws(WireError) -> Float {
            guard range.contains(value) else { throw .invalid(field: "EpsilonLadder.\(field)", value: "\(value)", allowed: "\(range)") }
            return value
        }
        guard message.slots > 0 else { throw .invalid(field: "EpsilonLadder.slots", value: "0", allowed: "1 or more") }
        self.init(
            base: try inside("epsilon", message.epsilon, 0...1), exponent: try inside("exponent", message.exponent, 0...1000),
            decayVersions: message.decay_versions, slots: Int(message.slots))
    }
}

extension EnvironmentSettings {
    fileprivate func message(_ arena: inout Arena) -> Apus__EnvironmentSettings {
        var message = Apus__EnvironmentSettings()
        apus__environment_settings__init(&message)
        message.id = arena.string(id)
        // Sorted, so that one run file makes one message.
        let gauges = options.sorted { $0.key < $1.key }.map { Gauge($0.key, $0.value) }
        (message.n_options, message.options) = (gauges.count, arena.messages(gauges) { $0.message(&$1) })
        message.max_episode_steps = UInt32(clamping: maxEpisodeSteps ?? 0)
        return message
    }

    fileprivate init(_ message: Apus__EnvironmentSettings) {
        let options = elements(message.n_options, message.options).map { Gauge($0) }.map { ($0.name, $0.value) }
        self.init(
            text(message.id, limit: 1024), options: Dictionary(options) { $1 },
            maxEpisodeSteps: message.max_episode_steps == 0 ? nil : Int(message.max_episode_steps))
    }
}

extension NetworkSettings {
    fileprivate func message(_ arena: inout Arena) -> Apus__NetworkSettings {
        var message = Apus__NetworkSettings()
        apus__network_settings__init(&message)
        message.id = arena.string(id)
        message.encoder = arena.string(encoder.rawValue)
        (message.n_hidden, message.hidden) = (hidden.count, arena.array(hidden.map { UInt32(clamping: $0) }))
        message.activation = arena.string(activation.rawValue)
        message.layer_norm = layerNorm ? 1 : 0
        message.memory = arena.string(memory.rawValue)
        message.memory_width = UInt32(clamping: memoryWidth)
        message.separate_value = separateValue ? 1 : 0
        message.normalize_observations = normalizeObservations ? 1 : 0
        message.continuous_policy = arena.string(continuousPolicy.rawValue)
        message.initial_log_deviation = initialLogDeviation
        return message
    }

    fileprivate init(_ message: Apus__NetworkSettings) throws(WireError) {
        func choice<Choice: RawRepresentable<String> & CaseIterable>(
            _ field: String, _ value: UnsafeMutablePointer<CChar>?, _: Choice.Type
        ) throws(WireError) -> Choice {
            let name = text(value, limit: 64)
            guard let choice = Choice(rawValue: name) else {
                throw .invalid(
                    field: "NetworkSettings.\(field)", value: "\"\(name)\"", allowed: Choice.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return choice
        }
        self.init()
        // Left out by those who know only Apus' own.
        let name = text(message.id, limit: 256)
        if !name.isEmpty { id = name }
        encoder = try choice("encoder", message.encoder, EncoderKind.self)
        hidden = []
        for index in 0..<message.n_hidden { hidden.append(try inside("NetworkSettings.hidden", message.hidden[index], 1...65536)) }
        activation = try choice("activation", message.activation, Activation.self)
        layerNorm = message.layer_norm != 0
        memory = try choice("memory", message.memory, MemoryKind.self)
        memoryWidth = try inside("NetworkSettings.memory_width", message.memory_width, 1...65536)
        separateValue = message.separate_value != 0
        normalizeObservations = message.normalize_observations != 0
        continuousPolicy = try choice("continuous_policy", message.continuous_policy, ContinuousPolicy.self)
        guard abs(message.initial_log_deviation) <= 20 else {
            throw .invalid(
                field: "NetworkSettings.initial_log_deviation", value: "\(message.initial_log_deviation)", allowed: "-20 … 20")
        }
        initialLogDeviation = message.initial_log_deviation
    }
}

private func inside(_ field: String, _ value: UInt32, _ range: ClosedRange<UInt32>) throws(WireError) -> Int {
    guard range.contains(value) else { throw .invalid(field: field, value: "\(value)", allowed: "\(range)") }
    return Int(value)
}
