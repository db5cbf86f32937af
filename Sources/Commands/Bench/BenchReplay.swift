import ArgumentParser
import Glibc
import Platform
import Rollouts
import Tensors

struct BenchReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Bytes per second through a full prioritised replay, on one core, and its memory per stored byte.",
        discussion: """
            Each sequence is inserted once, sampled once and gets one new priority. GB/s counts the bytes of the sampled sequences alone; as
            many were inserted in the same time. Memory is what the process grew by while the replay was filled, divided by the bytes of
            the stored sequences. The pause is what a checkpoint costs the thread that trains: a snapshot and the next change after it.
            """)

    @Option(help: "Capacity in MiB.")
    var capacity = 1024

    @Option(help: "Sequences of one sample, and of one insert.")
    var sequences = 64

    @Option(help: "Seconds that a measurement lasts.")
    var seconds = 2.0

    @Option(help: "Measurements of each.")
    var repetitions = 5

    @Option(help: ArgumentHelp("Keep the sequences in files of this directory.", valueName: "directory"))
    var disk: String?

    @Flag(help: "Measure the processor time of the thread, which other programs on the machine disturb less.")
    var cpuTime = false

    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard capacity >= 1, sequences >= 1, seconds > 0, repetitions >= 1 else {
            throw ValidationError("--capacity, --sequences and --repetitions must be at least 1, --seconds more than 0.")
        }
    }

    func run() throws {
        var table = TextTable([
            ("sequences of 80 steps", .left), ("stored", .right), ("GB/s", .right), ("lowest", .right), ("highest", .right),
            ("sequences/s", .right), ("memory/byte", .right), ("pause ms", .right),
        ])
        var members: [JSON] = []
        for load in ReplayLoad.all {
            let result = try measure(load)
            let rates = result.sequences.values.map { $0 * Double(load.sequenceBytes) / 1e9 }
            let rate = Sample(values: rates)
            table.add([
                load.name, Format.count(Double(result.stored)), Format.decimal(rate.median, 2), Format.decimal(rate.lowest, 2),
                Format.decimal(rate.highest, 2), Format.count(result.sequences.median), Format.decimal(result.memory, 3),
                Format.decimal(result.pause.median * 1000, 2),
            ])
            members.append(
                .object([
                    .init("id", .string(load.name)), .init("sequence_bytes", .integer(load.sequenceBytes)),
                    .init("stored", .integer(result.stored)), .init("sampled_gb_per_second", .number(rate.median)),
                    .init("sampled_gb_per_second_lowest", .number(rate.lowest)),
                    .init("sampled_gb_per_second_highest", .number(rate.highest)),
                    .init("sequences_per_second", .number(result.sequences.median)),
                    .init("memory_per_stored_byte", .number(result.memory)), .init("pause_seconds", .number(result.pause.median)),
                ]))
        }
        report.print(
            table.text, json: .object([.init("capacity_bytes", .integer(capacity << 20)), .init("loads", .array(members))]))
    }

    private func measure(_ load: ReplayLoad) throws -> (stored: Int, sequences: Sample, memory: Double, pause: Sample) {
        var shape = load.shape
        shape.maximumSlots = sequences
        let rollouts = load.rollouts(slots: sequences)
        let before = Self.residentBytes()
        let settings = ReplaySettings(
            capacityBytes: capacity << 20, selector: .prioritized(alpha: 0.6), samplesAtOnce: sequences,
            storage: disk.map { .disk(directory: $0) } ?? .memory)
        let replay = try ReplayBuffer(settings, shape: shape)
        var inserts = 0
        func insert() throws {
            try replay.insert(rollouts[inserts % rollouts.count])
            inserts += 1
        }
        while inserts * sequences < replay.capacity.sequences { try insert() }
        let memory = Double(Self.residentBytes() - before) / Double(replay.count * load.sequenceBytes)
        let priorities = (0..<sequences).map { Float($0 % 7) + 0.5 }

        func cycle() throws {
            try insert()
            let keys = try replay.sample(sequences, steps: ReplayLoad.steps, beta: 0.4).batch.keys
            try replay.updatePriorities(keys: keys, priorities: priorities)
        }
        try cycle()
        var (rates, pauses) = ([Double](), [Double]())
        for _ in 0..<repetitions {
            let began = now()
            var count = 0
            while now() - began < seconds {
                try cycle()
                count += sequences
            }
            rates.append(Double(count) / (now() - began))
            let key = [replay.storedCount]
            let start = now()
            let snapshot = replay.snapshot()
            try replay.updatePriorities(keys: key, priorities: [1])
            pauses.append(now() - start)
            withExtendedLifetime(snapshot) {}
        }
        return (replay.count, Sample(values: rates), memory, Sample(values: pauses))
    }

    private func now() -> Time {
        var time = timespec()
        clock_gettime(cpuTime ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time)
        return Time(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    private static func residentBytes() -> Int {
        guard let text = try? Files.read("/proc/self/statm") else { return 0 }
        let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * sysconf(Int32(_SC_PAGESIZE))
    }
}

/// What is stored: sequences of one kind of environment.
private struct ReplayLoad {
    static let steps = 80
    static let all = [
        ReplayLoad(name: "HalfCheetah", observation: .box(shape: [17]), action: .box(shape: [6])),
        ReplayLoad(name: "MinAtar 10×10×4", observation: .bytes(shape: [10, 10, 4], high: 1), action: .discrete(6)),
        ReplayLoad(name: "Atari 84×84×4", observation: .bytes(shape: [84, 84, 4], high: 255), action: .discrete(6)),
    ]

    let name: String
    let observation, action: Space

    var shape: RolloutShape { RolloutShape(observation: observation, action: action, steps: Self.steps, maximumSlots: 1) }
    /// Observations, actions, log-probabilities, rewards and two flags of every step.
    var sequenceBytes: Int { (Self.steps + 1) * observation.byteCount + Self.steps * (action.byteCount + 10) }

    /// Some rollouts with an episode that is cut in each: more bytes than caches hold, since real ones come from elsewhere.
    func rollouts(slots: Int) -> [Rollout] {
        let builder = RolloutBuilder(observation: observation, action: action, steps: Self.steps, slots: slots)
        return (0..<max(2, (128 << 20) / (sequenceBytes * slots))).map { number in
            for t in 0..<Self.steps {
                memset(builder.observation(t + 1).baseAddress!, Int32(t % 2), builder.observation(t + 1).count)
                memset(builder.action(t).baseAddress!, 0, builder.action(t).count)
                for slot in 0..<slots {
                    (builder.behaviourLogProb(t)[slot], builder.reward(t)[slot]) = (-1, 0.5)
                    (builder.terminated(t)[slot], builder.truncated(t)[slot]) = (0, t == 40 && slot == 0 ? 1 : 0)
                }
                guard t == 40 else { continue }
                let final = UnsafeRawBufferPointer(rebasing: builder.observation(t)[..<observation.byteCount])
                builder.appendEnded(step: t, slot: 0, finalObservation: final, episodeReturn: 1, length: 41)
            }
            return builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: UInt64(number + 1)), version: 1)
        }
    }
}
