import Environments
import Platform
import Tensors

/// How far an environment is from a recorded trajectory when it starts every step from the recorded state.
struct TraceReplay {
    /// A deviation and where it was met.
    struct Deviation {
        var value = 0.0
        var line: Int?

        mutating func take(_ next: Double, _ line: Int) {
            // NaN exceeds everything.
            guard !(next <= value) else { return }
            (value, self.line) = (next, line)
        }
    }

    let id: String
    let rows: Int
    /// Absolute, or divided by the recorded number where that is above 1.
    let isRelative: Bool
    let tolerance: Double
    private(set) var observation = Deviation()
    private(set) var reward = Deviation()
    /// Rows whose terminated or truncated is another.
    private(set) var flags = 0
    private(set) var firstFlag: Int?

    var passed: Bool { observation.value <= tolerance && reward.value <= tolerance && flags == 0 }

    /// - Throws: `TraceError` for a file that is no trace of this environment, or what the environment needs and does not find.
    init<E: RestorableEnvironment>(_ environment: E.Type, _ path: String, isRelative: Bool, tolerance: Double) throws {
        try E.prepare()
        let file = try TraceFile(path, actions: max(E.actionSpace.count, 1), observations: E.observationSpace.count)
        (id, rows, self.isRelative, self.tolerance) = (E.id, file.rows.count, isRelative, tolerance)
        var instance = E()
        let observed = UnsafeMutableBufferPointer<E.Scalar>.allocate(capacity: E.observationSpace.count)
        defer { observed.deallocate() }
        UnsafeMutableRawBufferPointer(observed).initializeMemory(as: UInt8.self, repeating: 0)
        let action = UnsafeMutableRawBufferPointer.allocate(byteCount: max(E.actionSpace.byteCount, 4), alignment: 64)
        defer { action.deallocate() }
        var random = RandomKey(seed: 0, purpose: .environment).stream(slot: 0, episode: 0)
        instance.reset(&random, observation: observed)
        for row in file.rows {
            do {
                try instance.restore(row.state)
            } catch {
                throw TraceError(error.problem, path, line: row.line)
            }
            try Self.write(row.action, E.actionSpace, to: action, path, row.line)
            let step = instance.step(E.action(of: 0, width: row.action.count, in: UnsafeRawBufferPointer(action)), observation: observed)
            for (index, recorded) in row.observation.enumerated() {
                observation.take(deviation(Self.number(observed[index]), recorded), row.line)
            }
            reward.take(deviation(Double(step.reward), row.reward), row.line)
            let truncated = E.maxEpisodeSteps.map { row.step + 1 >= $0 } ?? false && !step.terminated
            if step.terminated != row.terminated || truncated != row.truncated && !row.terminated {
                flags += 1
                firstFlag = firstFlag ?? row.line
            }
        }
    }

    private func deviation(_ value: Double, _ recorded: Double) -> Double {
        abs(value - recorded) / (isRelative ? max(1, abs(recorded)) : 1)
    }

    private static func number(_ value: some ObservationScalar) -> Double {
        switch value {
        case let value as Float: Double(value)
        case let value as UInt8: Double(value)
        default: .nan
        }
    }

    private static func write(
        _ values: [Double], _ space: Space, to action: UnsafeMutableRawBufferPointer, _ path: String, _ line: Int
    ) throws {
        let choices: [Int]
        switch space {
        case .discrete(let count): choices = [count]
        case .multiDiscrete(let counts): choices = counts
        case .box, .bytes:
            for (index, value) in values.enumerated() { action.storeBytes(of: Float(value), toByteOffset: 4 * index, as: Float.self) }
            return
        }
        for (index, value) in values.enumerated() {
            guard let choice = Int32(exactly: value), 0..<Int32(choices[index]) ~= choice else {
                throw TraceError("action\(index) is \(value), the space is 0 to \(choices[index] - 1)", path, line: line)
            }
            action.storeBytes(of: choice, toByteOffset: 4 * index, as: Int32.self)
        }
    }
}
