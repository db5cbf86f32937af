import Platform

/// The thread that starts all workers of this process.
///
/// The kernel ties a child to the life of the thread that has started it, not of the process: this one lives as long as the process does.
enum LaunchThread {
    private static let work: Guarded<[@Sendable () -> Void]> = {
        let work = Guarded<[@Sendable () -> Void]>([])
        _ = WorkThread("launch") {
            while true {
                let next = work.wait(until: .now + 3600) { $0.isEmpty ? nil : $0.removeFirst() }
                next?()
            }
        }
        return work
    }()

    /// Runs `body` there and waits for its result.
    static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
        let result = Guarded<Result?>(nil)
        work.update { $0.append { result.update { [value = body()] in $0 = value } } }
        while true { if let result = result.wait(until: .now + 3600, { $0 }) { return result } }
    }
}
