import ArgumentParser
import Glibc
import Methods
import Networks
import Platform
import Rollouts
import Tensors

struct BenchUpdates: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "updates",
        abstract: "Gradient updates per second of a method that learns from single transitions, on random ones of HalfCheetah-v5's shape.",
        discussion: """
            17 observations, 6 actions, batches of 256; everything that an update does, from the batch to the new weights. Benchmarks/sac.sh
            measures Stable-Baselines3 and PyTorch in turns with it.
            """)

    @Option(help: "sac or td3.")
    var method = "sac"

    @Option(help: "Units of the two layers of policy and critics.")
    var hidden = 256

    @Option(help: "Threads of a product.")
    var threads = 1

    @Option(help: "Measurements.")
    var repetitions = 10

    @Option(help: "Updates of one measurement.")
    var updates = 100

    @Flag(help: "Measure the processor time of one thread, which other programs on the machine disturb less.")
    var cpuTime = false

    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard (1...64).contains(threads), repetitions >= 1, updates >= 1, hidden >= 1 else {
            throw ValidationError("--threads must be 1 to 64, --repetitions, --updates and --hidden at least 1.")
        }
        guard !cpuTime || threads == 1 else { throw ValidationError("--cpu-time is the time of one thread: leave --threads out.") }
    }

    func run() throws {
        setBLASThreads(threads)
        let algorithm = try MethodCatalogue.current.make(id: method)
        guard let plan = algorithm.data.replay, plan.steps == 1 else {
            throw ValidationError("\(method) does not learn from single transitions.")
        }
        let (observation, action) = (Space.box(shape: [17]), Space.box(shape: [6], low: -1, high: 1))
        var settings = NetworkSettings(hidden: [hidden, hidden], activation: .relu)
        settings.id = algorithm.networkID
        let network = try NetworkCatalogue.current.make(observation: observation, action: action, settings)
        let learner = try algorithm.learner(LearnerSetting(network: network))
        let batches = try (0..<16).map { try batch(UInt64($0), slots: plan.sequences, observation, action) }
        var version: UInt64 = 0
        func rate() throws -> Double {
            let start = seconds()
            for _ in 0..<updates {
                _ = try learner.update(batches[Int(version) % batches.count], at: Moment(version: version, learningRate: 3e-4))
                version += 1
            }
            return Double(updates) / (seconds() - start)
        }
        _ = try rate()
        let sample = Sample(values: try (0..<repetitions).map { _ in try rate() })
        report.print(
            """
            \(method), \(plan.sequences) transitions, hidden \(hidden)-\(hidden), \(threads) thread\(threads > 1 ? "s" : ""): \
            \(Format.decimal(sample.median, 0)) updates/s (\(Format.decimal(sample.lowest, 0)) to \(Format.decimal(sample.highest, 0)))
            """,
            json: .object([
                JSON.Member("program", .string("Apus")), JSON.Member("method", .string(method)), JSON.Member("threads", .integer(threads)),
                JSON.Member("median", .number(sample.median)), JSON.Member("lowest", .number(sample.lowest)),
                JSON.Member("highest", .number(sample.highest)),
            ]))
    }

    /// Random transitions, as a replay gives them.
    private func batch(_ seed: UInt64, slots: Int, _ observation: Space, _ action: Space) throws -> RolloutBatch {
        let builder = RolloutBuilder(observation: observation, action: action, steps: 1, slots: slots)
        let key = RandomKey(seed: seed, purpose: .learner)
        for t in 0...1 { fill(builder.observation(t, as: Float.self), key, UInt64(t)) }
        fill(builder.action(0, as: Float.self), key, 2)
        fill(builder.reward(0), key, 3)
        for slot in 0..<slots { (builder.behaviourLogProb(0)[slot], builder.terminated(0)[slot], builder.truncated(0)[slot]) = (0, 0, 0) }
        let rollout = builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0)
        return try RolloutBatch([rollout], observationSpace: observation)
    }

    private func fill(_ target: UnsafeMutableBufferPointer<Float>, _ key: RandomKey, _ step: UInt64) {
        key.normals(step: step, [target.count]).withBuffer { _ = target.update(fromContentsOf: $0) }
    }

    private func seconds() -> Double {
        var time = timespec()
        clock_gettime(cpuTime ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
