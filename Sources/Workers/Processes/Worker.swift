import Glibc
import Platform
import Wire

/// One worker and the conversation with it: a request, an answer, a deadline. Belongs to one thread at a time.
final class Worker {
    let hello: Hello
    let opened: Opened
    private let process: WorkerProcess
    private let socket: Socket

    /// How many of a worker's last lines an error shows.
    static let shownLines = 12

    /// Starts the program; `greet` waits until it is ready.
    struct Starting {
        fileprivate let process: WorkerProcess
        fileprivate let socket: Socket
        fileprivate let open: Open
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
            let process = try WorkerProcess(program, arguments: [address.description], variables: variables)
            return Starting(process: process, socket: socket, open: open)
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
    }

    /// What it was made of and what it wrote, for errors.
    var lastLines: [String] { process.lastLines(Self.shownLines) }
    var pid: pid_t { process.pid }

    func send(_ frames: [OutgoingFrame]) { socket.send(frames) }

    /// The next answer, and the frames that follow its first.
    func receive(
        by deadline: Time, during what: String, seconds: Double
    ) throws(WorkerFault) -> (message: FromWorker, frames: [SharedBytes]) {
        try Self.receive(socket, process, deadline: deadline, during: what, seconds: seconds)
    }

    private static func receive(
        _ socket: Socket, _ process: WorkerProcess, deadline: Time, during what: String, seconds: Double
    ) throws(WorkerFault) -> (message: FromWorker, frames: [SharedBytes]) {
        while true {
            if let frames = socket.receive() { return try read(frames, process) }
            process.drain()
            if let how = process.ended() {
                // What it said at last may still be on its way through this process's socket.
                Poll.wait(sockets: [socket], descriptors: [], milliseconds: 20)
                if let frames = socket.receive() { return try read(frames, process) }
                throw .ended(how: how, output: process.lastLines(shownLines))
            }
            let left = deadline - .now
            guard left > 0 else { throw .late(during: what, seconds: seconds) }
            // A worker may close its output and live on: then only asking tells when it ends.
            let descriptor = process.outputDescriptor
            Poll.wait(
                sockets: [socket], descriptors: descriptor.map { [$0] } ?? [],
                milliseconds: Int((min(left, descriptor == nil ? 0.02 : 1) * 1000).rounded(.up)))
        }
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
    func close() { socket.send([.bytes(FromApus.close.encoded())]) }

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
