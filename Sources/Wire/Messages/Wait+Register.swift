import Platform

extension Wait {
    /// An operation of this process as others see it.
    public init(_ entry: WaitRegister.Entry, now: Time) {
        self.init(
            resource: entry.resource, holder: entry.holder, seconds: max(now - entry.since, 0), thread: entry.thread, deadline: entry.deadline,
            detail: entry.detail)
    }
}
