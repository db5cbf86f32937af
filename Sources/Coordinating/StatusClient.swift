import Platform
import Runs
import Wire

/// Asks a coordinator who takes part in its run and what came out last, and changes what may be changed while it goes on.
///
/// It belongs to the one thread that made it, and may be asked again and again: the connection stays, and comes back after the coordinator
/// has been away.
public final class StatusClient {
    private let coordinator: Endpoint
    private let connection: Connection
    private var socket: Socket { connection.socket }
    private let keys: Keys?

    /// An unanswered question is asked again after this many seconds: a coordinator that was killed took the first one with it.
    private static let interval = 0.5
    /// How long every handshake must have failed before that is the answer, in seconds.
    private static let faultPatience = 1.0

    /// - Parameter keys: who asks, and whom; nil where the coordinator demands no key.
    public init(coordinator: Endpoint, keys: Keys? = nil, context: SocketContext) throws {
        self.coordinator = coordinator
        self.keys = keys
        let socket = Socket(.dealer, in: context, linger: 0, security: try .client(keys, server: keys?.coordinator, at: coordinator))
        connection = try Connection(socket, to: coordinator, context: context)
    }

    /// - Parameter timeout: how long to wait for an answer, in seconds.
    public func request(timeout: Double) throws(StatusError) -> Status {
        try ask(.statusRequest(protocol: WireProtocol.version), timeout: timeout) { if case .status(let status) = $0 { status } else { nil } }
    }

    /// The same; nil when nobody has answered in time.
    public func requestUnlessSilent(timeout: Double) throws(StatusError) -> Status? {
        do {
            return try request(timeout: timeout)
        } catch {
            if case .silent = error { return nil }
            throw error
        }
    }

    /// Changes the bound on policy lag of the run; returns when the coordinator has taken it.
    public func adjust(maxLag: UInt64, timeout: Double) throws(StatusError) {
        let question = ControlMessage.adjust(maxLag: maxLag)
        try ask(question, timeout: timeout) { $0 == question ? () : nil }
    }

    private func ask<Answer>(
        _ question: ControlMessage, timeout: Double, _ read: (ControlMessage) -> Answer?
    ) throws(StatusError) -> Answer {
        // Answers to a question that was given up are older than what is asked for now.
        while socket.receive() != nil {}
        let deadline = Time.now + timeout
        var asked: Time?
        while true {
            let now = Time.now
            if asked.map({ now - $0 >= Self.interval }) ?? true,
                socket.send([.bytes(question.encoded())])
            {
                asked = now
            }
            // Without a connection nothing can be sent, and nothing wakes this thread when there is one.
            let pause = min(deadline - now, asked == nil ? 0.005 : Self.interval)
            Poll.wait(sockets: connection.sockets, descriptors: [], milliseconds: max(1, Int(pause * 1000)))
            while let frames = socket.receive() { if let answer = read(try message(frames)) { return answer } }
            connection.look(now: .now)
            // A coordinator that is just being started may hang up, too.
            if let (fault, since) = connection.fault, Time.now - since > Self.faultPatience || Time.now >= deadline {
                throw .locked(HandshakeRefusal(fault, by: "the coordinator", at: coordinator, keys: keys, server: keys?.coordinator))
            }
            if Time.now >= deadline { throw .silent(coordinator: coordinator, seconds: timeout) }
        }
    }

    private func message(_ frames: [SharedBytes]) throws(StatusError) -> ControlMessage {
        guard frames.count == 1 else { throw .malformed(coordinator: coordinator, .frames(expected: 1, found: frames.count)) }
        let message: ControlMessage
        do {
            message = try ControlMessage(decoding: frames[0], limit: WireProtocol.maximumStatusBytes)
        } catch {
            throw .malformed(coordinator: coordinator, error)
        }
        if case .refusal(let refusal) = message { throw .refused(coordinator: coordinator, refusal) }
        return message
    }

    /// The address of the coordinator that leads the run in `directory` now.
    public static func coordinator(of directory: RunDirectory) throws -> Endpoint {
        guard Files.exists(directory.coordinator) else { throw StatusError.notLed(directory: directory.path) }
        let text = String(decoding: try Files.read(directory.coordinator), as: UTF8.self)
        return try Endpoint(text.split(whereSeparator: \.isWhitespace).joined())
    }
}

/// Why there is no answer.
public enum StatusError: Remediable, Equatable {
    case notLed(directory: String)
    case silent(coordinator: Endpoint, seconds: Double)
    case refused(coordinator: Endpoint, Refusal)
    case malformed(coordinator: Endpoint, WireError)
    /// No handshake succeeds: one of the two lacks the key that the other demands.
    case locked(HandshakeRefusal)

    public var problem: String {
        switch self {
        case .notLed: "no coordinator leads this run now"
        case .silent(let coordinator, let seconds): "the coordinator at \(coordinator) did not answer within \(seconds) s"
        case .refused(_, let refusal): "the coordinator refuses to answer: \(refusal.problem)"
        case .malformed(_, let error): "the answer is none of Apus: \(error)"
        case .locked(let refusal): refusal.problem
        }
    }
    public var place: String {
        switch self {
        case .notLed(let directory): directory
        case .silent(let coordinator, _), .refused(let coordinator, _), .malformed(let coordinator, _): coordinator.description
        case .locked(let refusal): refusal.place
        }
    }
    public var remedy: String {
        switch self {
        case .notLed(let directory): "It has ended or was not started; go on with it: apus train \(directory) --resume"
        case .silent: "Check that apus-coordinator runs there and that the address is the one it printed."
        case .refused(_, let refusal): refusal.remedy
        case .malformed: "Another program listens there: give the address that apus-coordinator printed."
        case .locked(let refusal): refusal.remedy
        }
    }
}
