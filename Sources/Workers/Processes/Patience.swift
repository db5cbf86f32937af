import Platform

/// Whether it is worth to wait for an answer without giving up the processor.
///
/// Waking a sleeper takes some 50 µs (its bell is rung, its core woken): much beside environments that step within 100 µs, nothing beside
/// those that take milliseconds. So what was answered quickly the last times is waited for awake. Who waits that way gives the core to
/// others that want it, and when somebody does, the next waits are slept: their work is worth more than the wake-up. Most who do are gone at
/// once, such as the kernel's own threads; a learner on the same core is not.
struct Patience {
    /// Beyond this a wake-up is less than a twentieth.
    private static let longest = 0.001
    /// How many quick answers outweigh as many slow ones, such as the starts of episodes.
    private static let mostCredit = 4
    /// How many waits are slept when somebody else has needed the core: twice as many each time, until it is seldom needed.
    private static let calm = 4...256
    /// How many waits awake in a row show that.
    private static let seldom = 64

    private var credit = 1
    private var slept = 0
    private var calm = Self.calm.lowerBound
    private var undisturbed = 0
    private var start = Time.zero

    var nanoseconds: Int64 { Int64(Self.longest * 1e9) }
    var spins: Bool { credit > 0 && slept == 0 }

    mutating func began() {
        start = .now
        slept = max(slept - 1, 0)
    }

    /// - Parameter outcome: of `apus_spin`.
    mutating func spun(_ outcome: Int32) {
        if outcome < 0 {
            slept = calm
            calm = min(2 * calm, Self.calm.upperBound)
            undisturbed = 0
        } else {
            undisturbed += 1
            if undisturbed >= Self.seldom { calm = Self.calm.lowerBound }
        }
    }

    mutating func ended() {
        credit = Time.now - start < Self.longest ? min(credit + 1, Self.mostCredit) : max(credit - 1, 0)
    }
}
