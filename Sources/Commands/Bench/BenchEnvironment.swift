import ArgumentParser
import Environments
import Platform
import Tensors
import Workers

struct BenchEnvironment: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "environment", abstract: "Steps per second of an environment alone, with random actions drawn beforehand.")

    @OptionGroup var selection: EnvironmentSelection

    @Option(help: "Seconds of each repetition.")
    var seconds = 3.0

    @Option(help: "Repetitions, one after the other.")
    var repetitions = 3

    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard seconds > 0, repetitions >= 1 else { throw ValidationError("--seconds must be more than 0, --repetitions at least 1.") }
    }

    func run() throws {
        let catalogue = EnvironmentCatalogue.current
        let environment = try catalogue.resolve(selection.settings(in: catalogue))
        let slots = try environment.make(slots: selection.slots, key: RandomKey(seed: 1, purpose: .environment))
        let sample = Sample(values: try measure(slots))
        report.print(
            """
            \(selection.id), \(slots.count) slots: \(Format.count(sample.median)) steps/s (median of \(repetitions), \
            \(Format.count(sample.lowest)) to \(Format.count(sample.highest)))
            """,
            json: .object([
                .init("id", .string(selection.id)), .init("slots", .integer(slots.count)), .init("steps_per_second", .number(sample.median)),
                .init("lowest", .number(sample.lowest)), .init("highest", .number(sample.highest)),
            ]))
    }

    /// Rows of actions that are played in turn.
    private static let rows = 64

    private func measure(_ slots: any Slots) throws -> [Double] {
        let (count, width) = (slots.count, slots.count * slots.actionSpace.byteCount)
        let actions = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.rows * width, alignment: 64)
        let observation = UnsafeMutableRawBufferPointer.allocate(byteCount: count * slots.observationSpace.byteCount, alignment: 64)
        let reward = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
        let flags = (UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count), UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count))
        defer {
            actions.deallocate()
            observation.deallocate()
            reward.deallocate()
            flags.0.deallocate()
            flags.1.deallocate()
        }
        var random = RandomActions(slots.actionSpace, seed: 1)
        let rows = (0..<Self.rows).map { UnsafeMutableRawBufferPointer(rebasing: actions[($0 * width)..<(($0 + 1) * width)]) }
        for row in rows { random.fill(row) }
        try slots.reset(observation: observation)
        // What is slow at first does not count.
        var rates: [Double] = []
        for repetition in -1..<repetitions {
            let duration = repetition < 0 ? min(seconds, 0.5) : seconds
            let begin = Time.now
            var steps = 0
            while Time.now - begin < duration {
                let row = SlotsRow(
                    actions: UnsafeRawBufferPointer(rows[steps % Self.rows]), observation: observation, reward: reward, terminated: flags.0,
                    truncated: flags.1)
                try slots.step(row) { _ in }
                steps += 1
            }
            if repetition >= 0 { rates.append(Double(steps * count) / (Time.now - begin)) }
        }
        return rates
    }
}
