import CPlatform
import Glibc

/// SIGINT and SIGTERM as events of a socket thread: the first asks to drain, the second ends the process at once.
public struct Signals: Sendable {
    public let descriptor: Int32

    /// For programs that handle signals themselves (tests, or all roles in one process).
    public static let none = Signals(descriptor: -1)

    public static func take() -> Signals { Signals(descriptor: apus_signal_descriptor()) }

    /// - Parameter descriptor: an event descriptor that counts signals.
    package init(descriptor: Int32) { self.descriptor = descriptor }

    public var descriptors: [Int32] { descriptor >= 0 ? [descriptor] : [] }

    /// Whether a signal has come; a second one since the start ends the process.
    ///
    /// - Parameter abandoning: what must not be left behind even then.
    public func received(before: inout Int, abandoning: () -> Void = {}) -> Bool {
        guard descriptor >= 0 else { return false }
        let count = Int(apus_take_signals(descriptor))
        before += count
        if before >= 2 {
            abandoning()
            _exit(130)
        }
        return count > 0
    }
}
