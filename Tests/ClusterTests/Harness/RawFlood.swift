import Glibc
import Platform

/// Connections that never say anything sensible: opened as fast as they are closed, each sends a byte of a greeting now and then (slow loris).
final class RawFlood {
    private let stopping = Guarded(false)
    private let thread: WorkThread
    private let tried = Guarded(0)

    /// - Parameter width: connections at a time.
    init(_ ports: [UInt16], width: Int) {
        let (stopping, tried) = (stopping, tried)
        thread = WorkThread("flood") {
            // What a ZeroMQ peer says first: one that comes so far waits for the rest.
            let greeting: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1] + Array("CURVE".utf8)
            var connections: [(descriptor: Int32, said: Int)] = []
            while !stopping.read({ $0 }) {
                while connections.count < width {
                    let descriptor = Loopback.connected(to: ports[connections.count % ports.count])
                    tried.update { $0 += 1 }
                    guard descriptor >= 0 else { break }
                    connections.append((descriptor, 0))
                }
                connections = connections.compactMap { connection in
                    let byte = [greeting[connection.said % greeting.count]]
                    guard send(connection.descriptor, byte, 1, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) == 1 else {
                        close(connection.descriptor)
                        return nil
                    }
                    return (connection.descriptor, connection.said + 1)
                }
                usleep(100_000)
            }
            for connection in connections { close(connection.descriptor) }
        }
    }

    /// Ends it; how many connections were tried.
    func stop() -> Int {
        stopping.update { $0 = true }
        thread.join()
        return tried.read { $0 }
    }
}
