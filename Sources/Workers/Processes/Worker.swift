import Glibc
import Platform
import Wire

/// One worker and the conversation with it: a request, an answer, a deadline. Belongs to one thread at a time.
final class Worker {
    let hello: Hello
    let opened: Opened
    private let process: WorkerProcess
    private let socket: Socket
    /// Through which it steps; nil: by messages.
    private let memory: StepMemory?

    /// How many of a worker's last lines an error shows.
    static let shownLines = 12

    /// Starts the program; `greet` waits until it is ready.
    struct Starting {
        fileprivate let process: WorkerProcess
        fileprivate let socket: Socket
        fileprivate let open: Open
        fileprivate let descriptors: SharedDescriptors?
        var lastLines: [String] { process.lastLines(Worker.shownLines) }
    }

    /// - Parameters:
    ///   - folder: for the socket.
    ///   - name: of the socket's file, new for each worker.
    static func start(_ program: WorkerProgram, open: Open, context: SocketContext, folder: String, name: String) throws -> Starting {
        let socket = Socket(.pair, in: context, linger: 0)
        let address = try socket.bind(Endpoint("ipc://\(folder)/\(name)"))
        do {
            var variables: [String: String] = [:]
            if let list = program.searchPath {
                variables[list] = ([folder] + (getenv(list).map { [String(cString: $0)] } ?? [])).joined(separator: ":")
            }
            // Whoever is only asked for the spaces never steps.
            let descriptors = open.seeds.isEmpty ? nil : SharedDescriptors()
            let process = try WorkerProcess(
                program, arguments: [address.description], variables: variables, descriptors: descriptors?.all ?? [])
            return Starting(process: process, socket: socket, open: open, descriptors: descriptors)
        } catch {
            throw WorkerFault.refused(
                problem: "cannot start \(program.executable): \(error.description)",
                remedy: "Write the path of a program that may be executed (chmod +x), as it is seen from where Apus is started.")
        }
    }

    /// Waits for the worker's Hello and for what it has opened.
    init(_ starting: Starting, patience seconds: Double) throws(WorkerFault) {
        let (process, socket) = (starting.process, starting.socket)
        let deadline = Time.now + seconds
        func answer(_ what: String) throws(WorkerFault) -> FromWorker {
            try Self.receive(socket, process, deadline: deadline, during: what, seconds: seconds).message
        }
        let first = try answer("its start")
        guard case .hello(let hello) = first else { throw .malformed("\(first.name) where Hello comes first") }
        guard hello.protocol == WorkerProtocol.version else {
            throw .refused(
                problem: "\(hello.name) speaks version \(hello.protocol) of the worker protocol, Apus version \(WorkerProtocol.version)",
                remedy: "Use a worker and an Apus that were made for one another (proto/worker.proto).")
        }
        socket.send([.bytes(FromApus.open(starting.open).encoded())])
        let second = try answer("Open")
        guard case .opened(let opened) = second else { throw .malformed("\(second.name) where Opened answers Open") }
        (self.hello, self.opened, self.process, self.socket) = (hello, opened, process, socket)
        let sizes = StepSizes(
            slots: starting.open.seeds.count, observation: opened.observationSpace.byteCount, action: opened.actionSpace.byteCount)
        if hello.sharesMemory, let descriptors = starting.descriptors, let memory = StepMemory(descriptors, sizes) {
            socket.send([.bytes(FromApus.share(memory.share).encoded())])
            let third = try answer("Share")
            guard case .shared = third else { throw .malformed("\(third.name) where Shared answers Share") }
            self.memory = memory
        } else {
            memory = nil
        }
    }

    /// What it was made of and what it wrote, for errors.
    var lastLines: [String] { process.lastLines(Self.shownLines) }
    var pid: pid_t { process.pid }

    /// Sends a request that is answered by a message.
    func send(_ message: FromApus) {
        socket.send([.bytes(message.encoded())])
        memory?.announceMessage()
    }

    /// The next message, and the frames that follow its first.
    func receive(
        by deadline: Time, during what: String, seconds: Double
    ) throws(WorkerFault) -> (message: FromWorker, frames: [SharedBytes]) {
        try Self.receive(socket, process, deadline: deadline, during: what, seconds: seconds)
    }

    // MARK: Stepping

    private static let stepFrame = FromApus.step.encoded()

    /// Asks for a step; `receiveStep` waits for it.
    func step(_ actions: UnsafeRawBufferPointer) {
        if let memory { return memory.step(actions) }
        socket.send([.bytes(Self.stepFrame), .bytes([UInt8](actions))])
    }

    /// Waits for the step that was asked for and copies what it has given. Nothing in it has been looked at but sizes.
    ///
    /// - Returns: the bytes of final observations.
    func receiveStep(into target: StepTarget, by deadline: Time, during what: String, seconds: Double) throws(WorkerFault) -> Int {
        guard let memory else { return try receiveFrames(into: target, by: deadline, during: what, seconds: seconds) }
        if !memory.spin(), !memory.sleep() {
            while !memory.answered() {
                try Self.wait(process, by: deadline, during: what, seconds: seconds, descriptor: memory.bell) { memory.answered() }
                memory.drain()
            }
        }
        switch memory.answerKind {
        case StepMemory.Kind.step:
            if let bytes = memory.take(into: target) { return bytes }
            throw .malformed("more final observations than slots")
        case StepMemory.Kind.message:
            let answer = try receive(by: deadline, during: what, seconds: seconds)
            throw .malformed("\(answer.message.name) where memory or a Failure answers Step")
        case let kind: throw .malformed("an answer of kind \(kind); it is 1 or 2")
        }
    }

    private func receiveFrames(
        into target: StepTarget, by deadline: Time, during what: String, seconds: Double
    ) throws(WorkerFault) -> Int {
        let answer = try receive(by: deadline, during: what, seconds: seconds)
        guard case .stepped = answer.message else { throw .malformed("\(answer.message.name) where Stepped answers Step") }
        guard answer.frames.count == 5 else { throw .malformed("\(answer.frames.count) frames behind Stepped instead of 5") }
        let parts = [
            ("observations", target.observations), ("rewards", target.rewards), ("terminated", target.terminated),
            ("truncated", target.truncated),
        ]
        for (frame, (name, part)) in zip(answer.frames, parts) {
            guard frame.count == part.count else { throw .malformed("\(frame.count) bytes of \(name) instead of \(part.count)") }
            frame.withBytes { part.copyMemory(from: $0) }
        }
        answer.frames[4].withBytes {
            target.finalObservations.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(target.finalObservations.count)))
        }
        return answer.frames[4].count
    }

    // MARK: Waiting

    private static func receive(
        _ socket: Socket, _ process: WorkerProcess, deadline: Time, during what: String, seconds: Double
    ) throws(WorkerFault) -> (message: FromWorker, frames: [SharedBytes]) {
        while true {
            if let frames = socket.receive() { return try read(frames, process) }
            do {
                try wait(process, by: deadline, during: what, seconds: seconds, socket: socket)
            } catch {
                // What it said at last may still be on its way through this process's socket.
                guard case .ended = error, let frames = late(socket) else { throw error }
                return try read(frames, process)
            }
        }
    }

    private static func late(_ socket: Socket) -> [SharedBytes]? {
        Poll.wait(sockets: [socket], descriptors: [], milliseconds: 20)
        return socket.receive()
    }

    /// Waits until something may have come, and takes what the worker writes meanwhile.
    ///
    /// - Parameter arrived: asked once more when the worker has ended.
    /// - Throws: when the worker has ended or time is up.
    private static func wait(
        _ process: WorkerProcess, by deadline: Time, during what: String, seconds: Double, socket: Socket? = nil, descriptor: Int32? = nil,
        arrived: () -> Bool = { false }
    ) throws(WorkerFault) {
        process.drain()
        if let how = process.ended() {
            if arrived() { return }
            throw .ended(how: how, output: process.lastLines(shownLines))
        }
        let left = deadline - .now
        guard left > 0 else { throw .late(during: what, seconds: seconds) }
        // A worker may close its output and live on: then only asking tells when it ends.
        let output = process.outputDescriptor
        Poll.wait(
            sockets: socket.map { [$0] } ?? [], descriptors: [output, descriptor].compactMap { $0 },
            milliseconds: Int((min(left, output == nil ? 0.02 : 1) * 1000).rounded(.up)))
    }

    private static let steppedFrame = FromWorker.stepped.encoded()

    private static func read(
        _ frames: [SharedBytes], _ process: WorkerProcess
    ) throws(WorkerFault) -> (message: FromWorker, frames: [SharedBytes]) {
        let rest = Array(frames.dropFirst())
        // What comes most often is told apart without being parsed.
        if frames[0].withBytes({ $0.elementsEqual(steppedFrame) }) { return (.stepped, rest) }
        do {
            let message = try FromWorker(decoding: frames[0])
            guard case .failure(let failure) = message else { return (message, rest) }
            switch failure.kind {
            case .error: throw WorkerFault.failed(problem: failure.problem, slots: failure.slots)
            case .refused: throw WorkerFault.refused(problem: failure.problem, remedy: failure.remedy)
            }
        } catch let error as WireError {
            throw .malformed(error.description)
        } catch let fault as WorkerFault {
            throw fault
        } catch {
            throw .malformed("\(error)")
        }
    }

    /// Asks the worker to end.
    func close() { send(.close) }

    /// Waits until it has ended, and kills it when it has not by then.
    func end(by deadline: Time) {
        while process.ended() == nil, Time.now < deadline {
            process.drain()
            usleep(1000)
        }
        process.kill()
    }

    func kill() { process.kill() }
}
