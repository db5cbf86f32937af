import CPlatform
import Glibc

/// SIGINT and SIGTERM as events of a socket thread: the first asks to drain, the second ends the process at once.
///
/// Make it first thing in `main`, before any thread starts: threads inherit the blocked signals.
public struct Signals: Sendable {
    public let descriptor: Int32

    /// For programs that handle signals themselves (tests, or all roles in one process).
    public static let none = Signals(descriptor: -1)

    public static func take() -> Signals { Signals(descriptor: apus_signal_descriptor()) }

    /// - Parameter descriptor: gives `signalfd_siginfo` records and never blocks.
    package init(descriptor: Int32) { self.descriptor = descriptor }

    public var descriptors: [Int32] { descriptor >= 0 ? [descriptor] : [] }

    /// Whether a signal has come; a second one since the start ends the process.
    public func received(before: inout Int) -> Bool {
        guard descriptor >= 0 else { return false }
        var any = false
        while apus_next_signal(descriptor) != 0 {
            before += 1
            any = true
            if before >= 2 { _exit(130) }
        }
        return any
    }
}
