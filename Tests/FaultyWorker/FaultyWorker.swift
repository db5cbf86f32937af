import Environments
import Glibc
import Platform
import Tensors
import Wire
import Workers

/// A worker that goes wrong as it is told: `faulty-worker FAULT STEP LIVES [shares] ADDRESS`. Its first LIVES lives fail at step STEP; the
/// next does not.
///
/// Each slot observes (its seed as a float in 0 … 1, the episode's steps), earns its action, and is terminated after ten steps.
@main
struct FaultyWorker {
    private let fault: String
    private let failing: Bool
    private let at: Int
    private let context = SocketContext()
    private let socket: Socket
    private let shares: Bool
    private var shared: SharedSteps?

    private static let episode = 10
    private var open = Open(environment: "", seeds: [])
    private var lengths: [Int] = []
    private var steps = 0
    /// For starts that do not follow from the seeds.
    private let whim = Float.random(in: 0..<1)

    private init(_ words: [String]) throws {
        // The socket's name ends in ".LIFE", how often the worker was started again.
        let address = words[words.count - 1]
        let life = address.split(separator: ".").last.flatMap { Int($0) } ?? 0
        shares = words.contains("shares")
        (fault, at, failing) = (words[1], Int(words[2])!, life < Int(words[3])!)
        socket = Socket(.pair, in: context)
        try socket.connect(Endpoint(address))
    }

    static func main() throws {
        var worker = try FaultyWorker(CommandLine.arguments)
        try worker.greet()
        while true { try worker.answer() }
    }

    private func has(_ name: String) -> Bool { failing && fault == name }

    private func send(_ message: FromWorker, _ frames: [[UInt8]] = []) {
        while !socket.send([.bytes(message.encoded())] + frames.map { .bytes($0) }) { usleep(1000) }
    }

    private func say(_ text: String) {
        let bytes = Array("\(text)\n".utf8)
        write(STDERR_FILENO, bytes, bytes.count)
    }

    private func greet() throws {
        if has("exit-at-start") {
            say("first line\nno luck today")
            exit(3)
        }
        if has("silent") { sleep(3600) }
        var hello = Hello(name: "faulty-worker", libraries: ["none 1.0"], sharesMemory: shares)
        if has("version") { hello.protocol = 7 }
        if has("garbage-hello") {
            while !socket.send([.bytes([0xff, 0xff, 1])]) { usleep(1000) }
        } else {
            send(.hello(hello))
        }
    }

    private mutating func answer() throws {
        if let shared, shared.wait() { return step(shared.actions(lengths.count)) }
        Poll.wait(sockets: [socket], descriptors: [], milliseconds: 1000)
        guard let frames = socket.receive() else { return }
        switch try FromApus(decoding: frames[0]) {
        case .open(let request): opened(request)
        case .reset:
            lengths = lengths.map { _ in 0 }
            send(.observations, [bytes(observations())])
        case .step: step(frames[1].array(of: Int32.self))
        case .share(let share):
            shared = SharedSteps(share)
            send(has("not-shared") ? .observations : .shared)
        case .close: exit(0)
        }
    }

    private mutating func opened(_ request: Open) {
        if has("refuse") {
            return send(.failure(Failure(.refused, problem: "there is no such world", remedy: "make one")))
        }
        if has("exit-at-open") { exit(4) }
        open = request
        lengths = request.seeds.map { _ in 0 }
        var space = Space.box(shape: [2], low: [0, 0], high: [1, 1000])
        if !request.seeds.isEmpty, has("other-space") { space = .box(shape: [3], low: 0, high: 1) }
        send(.opened(Opened(observationSpace: space, actionSpace: .discrete(3), maxEpisodeSteps: request.maxEpisodeSteps, notes: "a test")))
    }

    private func observations() -> [Float] {
        zip(open.seeds, lengths).flatMap { seed, length in
            [has("no-seeds") ? 0.5 : has("other-starts") ? whim : Float(Double(seed >> 11) * 0x1p-53), Float(length)]
        }
    }

    private func bytes<T: BitwiseCopyable>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { [UInt8]($0) } }

    private mutating func step(_ actions: [Int32]) {
        let now = failing && steps == at
        steps += 1
        if now, !before() { return }
        for slot in lengths.indices { lengths[slot] += 1 }
        let after = observations()
        let limit = has("no-limit") ? .max : open.maxEpisodeSteps ?? .max
        let terminated = lengths.map { $0 == Self.episode ? UInt8(1) : 0 }
        let truncated = zip(lengths, terminated).map { $0 >= limit && $1 == 0 ? UInt8(1) : 0 }
        var finals: [Float] = []
        for slot in lengths.indices where terminated[slot] | truncated[slot] == 1 {
            finals += after[(2 * slot)..<(2 * slot + 2)]
            lengths[slot] = 0
            if has("next-final") { finals[finals.count - 1] = 0 }
        }
        var frames = [bytes(observations()), bytes(actions.map(Float.init)), terminated, truncated, bytes(finals)]
        if now { spoil(&frames) }
        guard let shared else { return send(.stepped, frames) }
        shared.write(frames)
        var ended = frames[4].count / 8
        if now, fault == "many-finals" { ended = lengths.count + 1 }
        if now, fault == "most-finals" { ended = .init(UInt32.max) }
        if now, fault == "shrink" { shared.shrink() }
        shared.answer(kind: now && fault == "odd-kind" ? 7 : 1, ended: ended, lag: now && fault == "other-number" ? 5 : 0)
    }

    /// Answers a step by a message.
    private func reply(_ message: FromWorker, _ frames: [[UInt8]] = []) {
        send(message, frames)
        shared?.answer(kind: 2, ended: 0)
    }

    /// Faults in the place of an answer; true: answer all the same.
    private func before() -> Bool {
        switch fault {
        case "exit":
            say("Traceback: the world is not enough")
            exit(5)
        case "kill": kill(getpid(), SIGKILL)
        case "stop": kill(getpid(), SIGSTOP)
        case "segfault":
            // Swift's own handler would first write a report.
            signal(SIGSEGV, SIG_DFL)
            kill(getpid(), SIGSEGV)
        case "late": sleep(3600)
        case "error": reply(.failure(Failure(.error, problem: "ValueError: the sky fell", slots: [1])))
        case "refuse-step": reply(.failure(Failure(.refused, problem: "no more", remedy: "stop it")))
        case "garbage":
            socket.send([.bytes([0xff, 0xff, 0xff])])
            shared?.answer(kind: 2, ended: 0)
        case "empty":
            socket.send([.bytes([])])
            shared?.answer(kind: 2, ended: 0)
        case "other-message": reply(.observations, [bytes(observations())])
        case "chatty":
            // More than a pipe holds.
            for line in 0..<4000 { say("line \(line) of what nobody reads, and it is a long one") }
            return true
        default: return true
        }
        return false
    }

    /// Faults inside an answer.
    private func spoil(_ frames: inout [[UInt8]]) {
        func set<T: BitwiseCopyable>(_ frame: Int, _ index: Int, _ value: T) {
            frames[frame].withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: index * MemoryLayout<T>.stride, as: T.self) }
        }
        switch fault {
        case "short": frames[0].removeLast()
        case "few-frames": frames.removeLast()
        case "nan-observation": set(0, 3, Float.nan)
        case "outside": set(0, 3, Float(2000))
        case "infinite-reward": set(1, 1, -Float.infinity)
        case "flag": set(2, 1, UInt8(2))
        case "both-flags":
            set(2, 0, UInt8(1))
            set(3, 0, UInt8(1))
        case "no-final": set(2, 0, UInt8(1))
        case "long-final": frames[4] += Array(repeating: 0, count: shares ? 8 : 4)
        default: break
        }
    }
}
