import Glibc
import Platform
import Runs
import Wire

/// One run of `apus bench scale`: a coordinator, a learner, and processes full of simulated actors.
struct ScaleRun {
    private let directory: RunDirectory
    private let actors: Int
    private let folder: String
    private var coordinator: Child
    private var learner: Child
    private var crowd: [(child: Child, output: String)] = []
    private let started = Time.now

    /// More in one process, and going round them takes longer than their messages.
    private static let actorsPerProcess = 250

    init(_ spec: RunSpec, folder: String, actors: Int) throws {
        self.actors = actors
        self.folder = "\(folder)/\(actors)"
        directory = try RunDirectory.create(runs: folder, name: "run-\(actors)", spec: spec)
        try Files.createDirectory(self.folder)
        let log = directory.log
        func start(_ role: String, _ arguments: [String]) throws -> Child {
            let own = try Files.readLink("/proc/self/exe")
            let (program, words) = Roles.areInThisProgram ? (own, [role]) : ("\(Files.parent(of: own))/apus-\(role)", [])
            return try Child(role, program: program, arguments: words + arguments, log: "\(log)/\(role).log")
        }
        coordinator = try start("coordinator", ["--run", directory.path, "--bind", "tcp://127.0.0.1:*"])
        let address = try Self.await("the coordinator", within: 10) { [directory] in
            (try? Files.read(directory.coordinator)).map { String(decoding: $0.filter { $0 != 10 }, as: UTF8.self) }
        }
        learner = try start("learner", ["--coordinator", address, "--runs", folder])
        for (index, first) in stride(from: 0, to: actors, by: Self.actorsPerProcess).enumerated() {
            let output = "\(self.folder)/actors-\(index)"
            let arguments = [
                "bench", "simulated-actors", "--coordinator", address, "--count", "\(min(Self.actorsPerProcess, actors - first))", "--directory",
                directory.path, "--output", output, "--begin", "\(self.folder)/begin", "--end", "\(self.folder)/end",
            ]
            let child = try Child("actors", program: Files.readLink("/proc/self/exe"), arguments: arguments, log: "\(log)/actors-\(index).log")
            crowd.append((child, output))
        }
    }

    func measure(seconds: Double) throws -> ScaleResult {
        defer { end() }
        for (_, output) in crowd { try Self.await("the actors", within: 120) { Files.exists("\(output).ready") ? () : nil } }
        let joined = Time.now - started
        sleep(1)
        try Files.writeAtomically([UInt8](), to: "\(folder)/begin")
        let before = (learner: Self.cpu(learner.pid), coordinator: Self.cpu(coordinator.pid), rollouts: try trained(), time: Time.now)
        usleep(UInt32(seconds * 1e6))
        let after = (learner: Self.cpu(learner.pid), coordinator: Self.cpu(coordinator.pid), rollouts: try trained(), time: Time.now)
        let memory = (learner: proportionalMegabytes(learner.pid), coordinator: proportionalMegabytes(coordinator.pid))
        try Files.writeAtomically([UInt8](), to: "\(folder)/end")
        let seen = try crowd.map { _, output in
            try Self.await("the actors' summary", within: 20) {
                try (try? Files.read(output)).map { try JSON.parse($0, place: output) }
            }
        }
        let rollouts = Double(after.rollouts - before.rollouts)
        func sum(_ key: String) -> Double { seen.reduce(0) { $0 + ($1[key]?.number ?? 0) } }
        func middle(_ key: String) -> Double { Sample(values: seen.compactMap { $0[key]?.number }).median }
        return ScaleResult(
            actors: actors, rolloutsPerSecond: rollouts / (after.time - before.time),
            learnerMicroseconds: (after.learner - before.learner) * 1e6 / rollouts,
            coordinatorShare: (after.coordinator - before.coordinator) / (after.time - before.time), learnerMegabytes: memory.learner,
            coordinatorMegabytes: memory.coordinator, weightsBytesPerRollout: sum("weights_bytes") / sum("produced"), joinSeconds: joined,
            acknowledgedMedian: middle("acknowledged_p50"), acknowledged99: middle("acknowledged_p99"), fanOutMilliseconds: fanOut(seen))
    }

    /// The median over the versions that came to everybody.
    private func fanOut(_ seen: [JSON]) -> Double? {
        var spans: [Int: (first: Int, last: Int, count: Int)] = [:]
        for process in seen {
            for entry in process["arrivals"]?.array ?? [] {
                let numbers = entry.array?.compactMap(\.integer) ?? []
                guard numbers.count == 4 else { continue }
                let known = spans[numbers[0]] ?? (.max, .min, 0)
                spans[numbers[0]] = (min(known.first, numbers[1]), max(known.last, numbers[2]), known.count + numbers[3])
            }
        }
        let whole = spans.values.filter { $0.count >= actors }.map { Double($0.last - $0.first) * 1e-6 }
        return whole.isEmpty ? nil : Sample(values: whole).median
    }

    /// Rollouts trained on so far: what the ledger says.
    private func trained() throws -> Int { Int(try LedgerState(reading: directory.ledger).totals.trained) }

    /// Processor time of all threads so far, in seconds.
    private static func cpu(_ pid: Int32) -> Double {
        guard let stat = try? Files.read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: UInt8(ascii: ")")) else { return 0 }
        let fields = stat[(close + 2)...].split(separator: UInt8(ascii: " ")).map { Double(String(decoding: $0, as: UTF8.self)) ?? 0 }
        return (fields[11] + fields[12]) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func await<Value>(_ what: String, within seconds: Double, _ value: () throws -> Value?) throws -> Value {
        let deadline = Time.now + seconds
        while true {
            if let value = try value() { return value }
            guard Time.now < deadline else {
                throw FileError("wait \(Int(seconds)) s for \(what), in vain, in", "bench scale", code: ETIMEDOUT)
            }
            usleep(5000)
        }
    }

    private func end() {
        coordinator.signal(SIGTERM)
        let deadline = Time.now + 10
        var left = [coordinator, learner] + crowd.map(\.child)
        while !left.isEmpty, Time.now < deadline {
            left.removeAll { $0.poll() != nil }
            usleep(5000)
        }
        for child in left { child.signal(SIGKILL) }
        for child in left {
            var status: Int32 = 0
            waitpid(child.pid, &status, 0)
        }
    }
}
