import Glibc
import Platform

/// Runs `body` with a fresh directory and removes it afterwards.
func inScratch<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = "/tmp/apus-runs-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try Files.createDirectory(folder)
    defer { try? Files.remove(folder) }
    return try body(folder)
}

/// Runs `body` in a forked child, which is over when `body` returns or when it is killed; the child's process id.
///
/// Swift hides `fork` since a child of a threaded process may not run much. What these children run must have run in the parent before, so
/// that no lock of the runtime is taken for the first time in the child; `alarm` ends one that hangs all the same.
func forked(_ body: () -> Void) throws -> pid_t {
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

/// Small reproducible random numbers (SplitMix64).
struct Dice: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
