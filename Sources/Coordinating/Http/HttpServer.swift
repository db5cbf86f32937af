import Glibc
import Platform

/// Answers GET requests on a thread of its own.
///
/// Not a library: those for Swift bring Foundation (a static binary four times as large) and accept any number of connections that never finish
/// their requests, whose descriptors would then be missing for the run's members. Here the number of connections, the size of a request and
/// the time for all of it are bounded, and whoever exceeds them is hung up on.
final class HttpServer: Sendable {
    /// Connections at a time; when there are more, the oldest one goes.
    static let connections = 32
    /// For a request and its answer, in seconds.
    static let patience = 5.0

    /// Where it listens, with the port that the system has chosen.
    let address: String
    private let stop = WakeUp()
    private let stopped = Guarded(false)
    private let thread: WorkThread

    private struct Connection {
        let descriptor: Int32
        let deadline: Time
        var request: [UInt8] = []
        /// What is still to be sent; nil: the request is not complete.
        var answer: ArraySlice<UInt8>?
    }

    init(_ address: HttpAddress, answer: @escaping @Sendable (String) -> HttpResponse) throws(HttpError) {
        let listener = try address.listen()
        self.address = HttpAddress.local(of: listener)
        thread = WorkThread("http") { [stop, stopped] in
            Self.serve(listener, stop.descriptor, until: { stopped.read { $0 } }, answer)
            close(listener)
        }
    }

    func end() {
        stopped.update { $0 = true }
        stop.signal()
        thread.join()
    }

    private static func serve(
        _ listener: Int32, _ stop: Int32, until ended: () -> Bool, _ answer: (String) -> HttpResponse
    ) {
        var connections: [Connection] = []
        defer { for connection in connections { close(connection.descriptor) } }
        while !ended() {
            var polled = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0), pollfd(fd: stop, events: Int16(POLLIN), revents: 0)]
            polled += connections.map { pollfd(fd: $0.descriptor, events: Int16($0.answer == nil ? POLLIN : POLLOUT), revents: 0) }
            poll(&polled, nfds_t(polled.count), connections.isEmpty ? 1000 : 100)
            let now = Time.now
            connections = zip(connections, polled.dropFirst(2)).compactMap { connection, polled in
                var connection = connection
                let lives = now < connection.deadline && (polled.revents == 0 || go(&connection, answer))
                if !lives { close(connection.descriptor) }
                return lives ? connection : nil
            }
            guard polled[0].revents != 0 else { continue }
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else {
                // Out of descriptors: this thread must not spin, and others need them more.
                usleep(10_000)
                continue
            }
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            if connections.count == Self.connections { close(connections.removeFirst().descriptor) }
            connections.append(Connection(descriptor: descriptor, deadline: now + patience))
        }
    }

    /// Reads or writes what is possible; false when the connection is done.
    private static func go(_ connection: inout Connection, _ answer: (String) -> HttpResponse) -> Bool {
        if connection.answer == nil {
            var buffer = [UInt8](repeating: 0, count: HttpRequest.limit)
            let count = recv(connection.descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) }
            connection.request += buffer[..<count]
            switch HttpRequest.parse(connection.request) {
            case .incomplete: return true
            case .refused(let status, let reason):
                connection.answer = HttpResponse(status: status, reason: reason, body: "\(reason)\n").bytes()[...]
            case .request(let request): connection.answer = answer(request.path).bytes(headOnly: request.headOnly)[...]
            }
        }
        let rest = connection.answer!
        let count = rest.withUnsafeBytes { send(connection.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard count >= 0 else { return errno == EAGAIN || errno == EINTR }
        connection.answer = rest.dropFirst(count)
        if connection.answer!.isEmpty { shutdown(connection.descriptor, Int32(SHUT_WR)) }
        return !connection.answer!.isEmpty
    }
}
