import ArgumentParser
import Glibc
import Platform
import Rollouts
import Runs
import Tensors
import Wire

struct BenchWire: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wire", abstract: "Rollouts encoded, sent over a unix socket, decoded and checked, against bare ZeroMQ messages of the same frames.",
        discussion: "Two processes; the bare and the real exchange take turns, so that both see the same machine. The ratio is real ÷ bare.")

    @Option(help: "Turns of each exchange.")
    var repetitions = 5

    @OptionGroup var report: ReportOptions

    func run() throws {
        let folder = try RuntimeDirectory.create()
        defer { try? Files.remove(folder) }
        let program = try Files.readLink("/proc/self/exe")
        var results: [(WireLoad, bare: Sample, real: Sample, ratio: Sample)] = []
        for load in WireLoad.allCases {
            let receiver = try WireReceiver(load, endpoint: Endpoint("ipc://\(folder)/\(load.rawValue)"))
            let child = try Child(
                "wire-peer", program: program, arguments: ["bench", "wire-peer", receiver.endpoint.description, load.rawValue], log: "\(folder)/log")
            defer {
                child.signal(SIGKILL)
                var status: Int32 = 0
                waitpid(child.pid, &status, 0)
            }
            try receiver.waitForPeer()
            _ = try (receiver.measure(.bare), receiver.measure(.real))
            var rates: (bare: [Double], real: [Double]) = ([], [])
            for _ in 0..<repetitions {
                rates.bare.append(try receiver.measure(.bare))
                rates.real.append(try receiver.measure(.real))
            }
            let ratios = Sample(values: zip(rates.real, rates.bare).map { $0 / $1 })
            results.append((load, Sample(values: rates.bare), Sample(values: rates.real), ratios))
        }
        report.print(
            results.map { load, bare, real, ratio in
                """
                \(load.summary) (\(Format.count(Double(load.bytes))) bytes): bare \(Format.decimal(bare.median, 0))/s, \
                rollouts \(Format.decimal(real.median, 0))/s (\(Format.decimal(real.median * Double(load.bytes) / 1e9, 2)) GB/s), \
                ratio \(Format.decimal(ratio.median, 2)) (\(Format.decimal(ratio.lowest, 2)) to \(Format.decimal(ratio.highest, 2)))
                """
            }.joined(separator: "\n"),
            json: String(
                decoding: JSON.object(
                    results.map { load, bare, real, ratio in
                        JSON.Member(
                            load.rawValue,
                            .object([
                                JSON.Member("bytes", .integer(load.bytes)), JSON.Member("bare_per_second", .number(bare.median)),
                                JSON.Member("rollouts_per_second", .number(real.median)), JSON.Member("ratio", .number(ratio.median)),
                                JSON.Member("ratio_lowest", .number(ratio.lowest)), JSON.Member("ratio_highest", .number(ratio.highest)),
                            ]))
                    }
                ).serialized(), as: UTF8.self))
    }
}

/// The sending side of `apus bench wire`, in a process of its own.
struct BenchWirePeer: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "wire-peer", shouldDisplay: false)

    @Argument var endpoint: String
    @Argument var load: WireLoad
    @Option var parent: Int32?

    func run() throws {
        if let parent { Parent.tie(to: parent) }
        let socket = Socket(.dealer, in: SocketContext())
        try socket.connect(Endpoint(endpoint))
        let rollout = load.rollout()
        let header = RolloutHeader(rollout).encoded()
        // Announces itself until the receiver answers with the first order.
        var order: [SharedBytes]?
        while order == nil {
            socket.send([.bytes([0])])
            Poll.wait(sockets: [socket], descriptors: [], milliseconds: 20)
            order = socket.receive()
        }
        while true {
            while let frames = order {
                let (kind, count) = frames[0].withBytes { ($0[0], Int($0.loadUnaligned(fromByteOffset: 1, as: UInt32.self))) }
                for _ in 0..<count {
                    let first = kind == WireExchange.bare.rawValue ? header : RolloutHeader(rollout).encoded()
                    socket.send([.bytes(first)] + rollout.columnFrames.map { .shared($0) })
                }
                order = socket.receive()
            }
            Poll.wait(sockets: [socket], descriptors: [], milliseconds: 1000)
            order = socket.receive()
        }
    }
}

enum WireExchange: UInt8 {
    case bare = 1
    case real = 2
}

/// What is sent.
enum WireLoad: String, CaseIterable, ExpressibleByArgument {
    case cartpole
    case images

    var summary: String { self == .cartpole ? "CartPole rollouts of 20 × 32" : "image rollouts of 20 × 32 × 84 × 84 × 4" }
    var shape: RolloutShape {
        self == .cartpole
            ? RolloutShape(
                observation: .box(shape: [4]), action: .discrete(2), steps: 20, maximumSlots: 32)
            : RolloutShape(
                observation: .bytes(shape: [84, 84, 4], high: 255), action: .discrete(6), steps: 20, maximumSlots: 32)
    }
    var bytes: Int { rollout().byteCount }
    /// Messages of one measurement, and how many may be on the way.
    var count: Int { self == .cartpole ? 20_000 : 200 }
    var window: Int { self == .cartpole ? 64 : 4 }

    /// A rollout with one ended episode in it.
    func rollout() -> Rollout {
        let (steps, slots) = (20, 32)
        func column(_ name: String, _ type: ElementType, _ shape: [Int], _ value: UInt8 = 0) -> Column {
            let bytes = [UInt8](repeating: value, count: shape.reduce(type.byteCount, *))
            return Column(name, type, shape, bytes.withUnsafeBytes { SharedBytes(copying: $0) })
        }
        func one(_ name: String, _ type: ElementType, _ index: Int) -> Column {
            var flags = [UInt8](repeating: 0, count: steps * slots)
            flags[index] = 1
            return Column(name, type, [steps, slots], flags.withUnsafeBytes { SharedBytes(copying: $0) })
        }
        let length: [Int32] = [7]
        return Rollout(
            id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 1, steps: steps, slots: slots,
            observation: column("observation", shape.observation.elementType, [steps + 1, slots] + shape.observation.shape),
            action: column("action", .int32, [steps, slots]), behaviourLogProb: column("behaviour_log_prob", .float32, [steps, slots]),
            reward: column("reward", .float32, [steps, slots]), terminated: one("terminated", .uint8, 0),
            truncated: column("truncated", .uint8, [steps, slots]), finalIndex: column("final_index", .int32, [1]),
            finalObservation: column("final_observation", shape.observation.elementType, [1] + shape.observation.shape),
            episodeReturn: column("episode_return", .float32, [1]),
            episodeLength: Column("episode_length", .int32, [1], length.withUnsafeBytes { SharedBytes(copying: $0) }),
            recurrentState: column("recurrent_state", .float32, [slots, 0]))
    }
}

/// The measuring side: orders messages in a window, takes them, counts the time.
final class WireReceiver {
    private let load: WireLoad
    private let socket: Socket
    private var peer: [UInt8] = []
    let endpoint: Endpoint

    init(_ load: WireLoad, endpoint: Endpoint) throws {
        self.load = load
        self.endpoint = endpoint
        socket = Socket(.router, in: SocketContext(), linger: 0)
        _ = try socket.bind(endpoint)
    }

    func waitForPeer() throws {
        let deadline = Time.now + 10
        while peer.isEmpty {
            guard Time.now < deadline else { throw WirePeerMissing() }
            Poll.wait(sockets: [socket], descriptors: [], milliseconds: 20)
            while let frames = socket.receive() { peer = frames[0].withBytes { Array($0) } }
        }
    }

    private func order(_ exchange: WireExchange, _ count: Int) {
        var bytes = [exchange.rawValue]
        withUnsafeBytes(of: UInt32(count)) { bytes += $0 }
        socket.send([.bytes(peer), .bytes(bytes)])
    }

    /// Messages per second.
    func measure(_ exchange: WireExchange) throws -> Double {
        let start = Time.now
        let (refill, shape) = (load.window / 2, load.shape)
        order(exchange, load.window)
        var (ordered, taken, bytes) = (load.window, 0, 0)
        while taken < load.count {
            Poll.wait(sockets: [socket], descriptors: [], milliseconds: 1000)
            while taken < load.count, let frames = socket.receive() {
                guard frames.count > 2 else { continue }
                switch exchange {
                case .bare: bytes += frames.reduce(0) { $0 + $1.count }
                case .real:
                    guard case .rollout(let header) = try StreamMessage(decoding: frames[1]) else { continue }
                    let rollout = try header.rollout(columns: Array(frames[2...]))
                    try rollout.validate(shape)
                    bytes += rollout.byteCount
                }
                taken += 1
                if ordered < load.count, ordered - taken <= refill {
                    order(exchange, min(refill, load.count - ordered))
                    ordered += min(refill, load.count - ordered)
                }
            }
        }
        return Double(taken) / (Time.now - start)
    }
}

private struct WirePeerMissing: Remediable {
    let problem = "the sending process did not answer within 10 s"
    let place = "bench wire"
    let remedy = "Run `apus doctor`: it checks unix sockets."
}
