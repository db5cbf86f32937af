import Glibc
import Platform

/// Runs `body` in a forked child, which is over when `body` returns or when it is killed; the child's process id.
///
/// Swift hides `fork` since a child of a threaded process may not run much. What these children run must have run in the parent before, so
/// that no lock of the runtime is taken for the first time in the child; `alarm` ends one that hangs all the same.
public func forked(_ body: () -> Void) throws -> pid_t {
    let fork = unsafeBitCast(dlsym(nil, "fork"), to: (@convention(c) () -> pid_t).self)
    let child = fork()
    guard child >= 0 else { throw FileError("fork", "this process", code: errno) }
    if child == 0 {
        alarm(20)
        body()
        _exit(0)
    }
    return child
}
