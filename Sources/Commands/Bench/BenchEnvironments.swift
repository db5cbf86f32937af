import ArgumentParser
import Environments
import Platform
import Tensors
import Workers

struct BenchEnvironments: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "environments",
        abstract: "Steps per second of environments alone, on one core, with random actions; starting episodes included.")

    @Argument(help: "Names of environments; without any, all that step inside this process and can run here.")
    var ids: [String] = []

    @Option(help: "Instances that step together.")
    var slots = 8

    @Option(help: "Seconds that a measurement lasts.")
    var seconds = 2.0

    @Option(help: "Measurements of each, one after the other.")
    var repetitions = 3

    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard slots >= 1, seconds > 0, repetitions >= 1 else {
            throw ValidationError("--slots and --repetitions must be at least 1, --seconds more than 0.")
        }
    }

    func run() throws {
        var table = TextTable([("environment", .left), ("steps/s", .right), ("lowest", .right), ("highest", .right)])
        var members: [JSON] = []
        for id in ids.isEmpty ? EnvironmentCatalogue.standard.ids : ids {
            guard let rate = try measure(id) else { continue }
            table.add([id, Format.count(rate.median), Format.count(rate.lowest), Format.count(rate.highest)])
            members.append(
                .object([
                    .init("id", .string(id)), .init("steps_per_second", .number(rate.median)),
                    .init("steps_per_second_lowest", .number(rate.lowest)), .init("steps_per_second_highest", .number(rate.highest)),
                ]))
        }
        report.print(table.text, json: .object([.init("slots", .integer(slots)), .init("environments", .array(members))]))
    }

    /// Nil for an environment that nobody has asked for and that lacks something here.
    private func measure(_ id: String) throws -> Sample? {
        let environment = try EnvironmentCatalogue.standard.resolve(EnvironmentSettings(id))
        do {
            let made = try environment.make(slots: slots, key: RandomKey(seed: 1, purpose: .environment))
            return Sample(values: try SteppedSlots(made).rates(seconds: seconds, repetitions: repetitions))
        } catch where ids.isEmpty {
            Console.output("\(id) is left out: \(error)")
            return nil
        }
    }
}

/// Slots with the rows that they read and write.
private final class SteppedSlots {
    private let slots: any Slots
    /// Some rows of actions, repeated: drawing them must not be measured.
    private let actions: [[UInt8]]
    private var observation: [UInt8]
    private var reward: [Float]
    private var terminated: [UInt8]
    private var truncated: [UInt8]

    init(_ slots: any Slots) {
        self.slots = slots
        var random = RandomKey(seed: 1, purpose: .action).stream(slot: 0, episode: 0)
        actions = (0..<256).map { _ in (0..<slots.count).flatMap { _ in slots.actionSpace.randomAction(&random) } }
        observation = Array(repeating: 0, count: slots.count * slots.observationSpace.byteCount)
        reward = Array(repeating: 0, count: slots.count)
        terminated = Array(repeating: 0, count: slots.count)
        truncated = terminated
    }

    func rates(seconds: Double, repetitions: Int) throws -> [Double] {
        try observation.withUnsafeMutableBytes { try slots.reset(observation: $0) }
        return try (0..<repetitions).map { _ in
            let began = Time.now
            var rows = 0
            while Time.now - began < seconds {
                for action in actions { try step(action) }
                rows += actions.count
            }
            return Double(rows * slots.count) / (Time.now - began)
        }
    }

    private func step(_ action: [UInt8]) throws {
        try action.withUnsafeBytes { action in
            try observation.withUnsafeMutableBytes { observation in
                try reward.withUnsafeMutableBufferPointer { reward in
                    try terminated.withUnsafeMutableBufferPointer { terminated in
                        try truncated.withUnsafeMutableBufferPointer { truncated in
                            let row = SlotsRow(
                                actions: action, observation: observation, reward: reward, terminated: terminated, truncated: truncated)
                            try slots.step(row) { _ in }
                        }
                    }
                }
            }
        }
    }
}

extension Space {
    /// The bytes of one action, uniform inside its bounds; a million stands for a bound that is infinite.
    fileprivate func randomAction(_ random: inout RandomStream) -> [UInt8] {
        func bytes<Number: BitwiseCopyable>(_ number: Number) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }
        switch self {
        case .discrete(let count): return bytes(Int32.random(in: 0..<Int32(count), using: &random))
        case .multiDiscrete(let counts): return counts.flatMap { bytes(Int32.random(in: 0..<Int32($0), using: &random)) }
        case .bytes(let shape, let high): return (0..<shape.reduce(1, *)).map { _ in UInt8.random(in: 0...high, using: &random) }
        case .box(_, let low, let high):
            return zip(low, high).flatMap { bytes(Float.random(in: max($0, -1e6)...min($1, 1e6), using: &random)) }
        }
    }
}
