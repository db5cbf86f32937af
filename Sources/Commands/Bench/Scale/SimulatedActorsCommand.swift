import Acting
import ArgumentParser
import Environments
import Glibc
import Learning
import Platform
import Rollouts
import Runs
import Tensors
import Wire

/// Many simulated actors in one process and one thread; says what they have seen when its standard input is closed.
struct SimulatedActorsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "simulated-actors", shouldDisplay: false)

    @Option var coordinator: String
    @Option var count: Int
    @Option(help: "The directory of the run.") var directory: String
    @Option(help: "Where the summary goes.") var output: String
    /// Counting begins and ends with these files.
    @Option var begin: String
    @Option var end: String
    @Option var parent: Int32?

    /// How often each actor looks at the clock, in seconds.
    private static let turnInterval = 0.1

    func run() throws {
        if let parent { Parent.tie(to: parent) }
        let spec = try RunDirectory.open(directory).loadSpec()
        let template = try Self.template(spec)
        let context = SocketContext(sockets: Int32(count * 3 + 16))
        let sockets = SocketSet()
        var actors = try (0..<count).map { try SimulatedActor(coordinator: Endpoint(coordinator), context: context, waiting: (sockets, $0)) }
        var (counting, ready) = (false, false)
        var (lastLook, lastTurn) = (Time.zero, Time.zero)
        while true {
            var turns = Set(sockets.wait(milliseconds: 5))
            let now = Time.now
            if now - lastTurn > Self.turnInterval {
                lastTurn = now
                turns.formUnion(actors.indices)
            }
            for index in turns { while !actors[index].isOver, try actors[index].turn(now: .now, template: template) {} }
            if now - lastLook > 0.02 {
                lastLook = now
                if !ready, actors.allSatisfy(\.isAttached) {
                    ready = true
                    try Files.writeAtomically([UInt8](), to: "\(output).ready")
                }
                if !counting, Files.exists(begin) {
                    counting = true
                    for index in actors.indices { actors[index].counts = SimulatedActor.Counts() }
                }
                if Files.exists(end) || actors.allSatisfy(\.isOver) { break }
            }
        }
        let bytes: [UInt8] = summary(actors).serialized()
        try Files.writeAtomically(bytes, to: output)
        // Until the run is over, so that it does not look as if its actors had died.
        while !actors.allSatisfy(\.isOver), Files.exists(output) { usleep(10_000) }
    }

    private func summary(_ actors: [SimulatedActor]) -> JSON {
        let waits = actors.flatMap(\.counts.acknowledgements).sorted()
        var arrivals: [UInt64: (first: Time, last: Time, count: Int)] = [:]
        for (version, time) in actors.flatMap(\.counts.arrivals) {
            let known = arrivals[version] ?? (time, time, 0)
            arrivals[version] = (min(known.first, time), max(known.last, time), known.count + 1)
        }
        func quantile(_ share: Double) -> JSON { waits.isEmpty ? .null : .number(waits[Int(Double(waits.count - 1) * share)]) }
        return .object([
            .init("produced", .integer(actors.reduce(0) { $0 + $1.counts.produced })),
            .init("weights_bytes", .integer(actors.reduce(0) { $0 + $1.counts.weightsBytes })),
            .init("weights_messages", .integer(actors.reduce(0) { $0 + $1.counts.weightsMessages })),
            .init("acknowledged_p50", quantile(0.5)), .init("acknowledged_p99", quantile(0.99)),
            .init("arrivals", .array(arrivals.sorted { $0.key < $1.key }.map { version, seen in
                .array([
                    .integer(Int(version)), .integer(Int(seen.first.nanoseconds)), .integer(Int(seen.last.nanoseconds)), .integer(seen.count),
                ])
            })),
        ])
    }

    /// A real rollout of the run's environment.
    private static func template(_ spec: RunSpec) throws -> Rollout {
        try Sampler(ActorAssignment(spec), place: MemberPlace(rank: 0, incarnation: 0), credits: 1, catalogue: .current).collect()
    }
}
