import Environments
import Glibc
import Platform
import Tensors
import Workers

/// What a user wants to know of an environment before training on it: whether it keeps the contract, and how fast it is.
struct EnvironmentCheck {
    struct Finding {
        enum Verdict: String { case pass = "PASS", fail = "FAIL", unseen = "–" }

        let name: String
        let verdict: Verdict
        let text: String
    }

    let id: String
    let slots: Int
    let steps: Int
    /// Without anything random: seeds need not matter.
    let deterministic: Bool
    private(set) var environment: ResolvedEnvironment
    private(set) var findings: [Finding] = []
    /// The seconds of a step of all slots, in ascending order.
    private(set) var times: [Double] = []

    var passed: Bool { !findings.contains { $0.verdict == .fail } }

    /// Runs all of it. An error of the environment itself is thrown.
    init(_ settings: EnvironmentSettings, catalogue: EnvironmentCatalogue, slots: Int, steps: Int, deterministic: Bool) throws {
        (id, self.slots, self.steps, self.deterministic) = (settings.id, slots, steps, deterministic)
        environment = try catalogue.resolve(settings)

        let first = try rehearsed(seed: 1)
        times = first.times.sorted()
        add("answers", first.failures.isEmpty, "every answer keeps the contract", first.failures.first?.cause)
        add("spaces", first.outside == nil, "every observation lies in its space", first.outside)
        try seeding(first)
        endings(first)
        try truncation(settings, catalogue)
        try kill()
    }

    private func rehearsed(seed: UInt64, actions: UInt64 = 1) throws -> Rehearsal {
        let rehearsal = try Rehearsal(environment, slots: slots, seed: seed, actions: actions)
        try rehearsal.start()
        try rehearsal.step(steps)
        return rehearsal
    }

    private mutating func add(_ name: String, _ passed: Bool, _ good: String, _ bad: String?) {
        findings.append(Finding(name: name, verdict: passed ? .pass : .fail, text: passed ? good : bad ?? good))
    }

    /// The same seeds and actions must give the same numbers, other seeds others.
    private mutating func seeding(_ first: Rehearsal) throws {
        let again = try rehearsed(seed: 1)
        add(
            "same seed", again.fingerprint == first.fingerprint, "the same seeds and actions give the same \(steps) steps",
            "the same seeds and actions give other numbers: something random does not follow from the seeds")
        let other = try rehearsed(seed: 2)
        guard !deterministic else { return }
        add(
            "other seed", other.fingerprint != first.fingerprint, "other seeds give other episodes",
            "other seeds give the same \(steps) steps: the seeds are not used (--deterministic, if nothing is random)")
    }

    private mutating func endings(_ first: Rehearsal) {
        let ended = first.terminations + first.truncations
        guard ended > 0 else {
            findings.append(Finding(name: "endings", verdict: .unseen, text: "no episode ended in \(steps) steps: raise --steps"))
            return
        }
        let counts = "\(first.terminations) terminated, \(first.truncations) truncated, the longest after \(first.longest) steps"
        add("endings", environment.maxEpisodeSteps.map { Int(first.longest) <= $0 } ?? true, counts, "\(counts): beyond its limit")
        add(
            "final observation", first.changedFinals > 0, "\(first.changedFinals) of \(ended) differ from the next episode's first",
            "all \(ended) equal the next episode's first: the last observation of the old one is expected")
    }

    /// A limit that the run sets must truncate, in that very step and with a new episode behind it.
    private mutating func truncation(_ settings: EnvironmentSettings, _ catalogue: EnvironmentCatalogue) throws {
        var limited = settings
        limited.maxEpisodeSteps = 7
        let rehearsal = try Rehearsal(catalogue.resolve(limited), slots: slots, seed: 1)
        try rehearsal.start()
        try rehearsal.step(70)
        let mended = rehearsal.failures.first?.cause
        guard rehearsal.truncations > 0 || rehearsal.terminations == 0 || mended != nil else {
            findings.append(Finding(name: "step limit", verdict: .unseen, text: "every episode terminated before 7 steps"))
            return
        }
        add(
            "step limit", mended == nil && rehearsal.truncations > 0 && rehearsal.longest == 7,
            "max_episode_steps 7 truncated \(rehearsal.truncations) episodes",
            mended ?? "max_episode_steps 7: \(rehearsal.truncations) truncated, the longest after \(rehearsal.longest) steps")
    }

    /// A worker that is killed must be replaced, and cost its slots one episode.
    private mutating func kill() throws {
        let rehearsal = try Rehearsal(environment, slots: slots, seed: 1)
        guard let external = rehearsal.slots as? ExternalSlots else { return }
        try rehearsal.start()
        try rehearsal.step(3)
        let victim = external.processes[0]
        Glibc.kill(victim.pid, SIGKILL)
        let begin = Time.now
        try rehearsal.step(1)
        let seconds = Time.now - begin
        let truncated = rehearsal.truncatedNow
        let replaced = external.processes[0].pid != victim.pid && rehearsal.failures.count == 1
        let right = Set(victim.slots).isSubset(of: truncated)
        try rehearsal.step(10)
        add(
            "killed (−9)", replaced && right && rehearsal.failures.count == 1,
            "replaced after \(Format.decimal(seconds, 2)) s, slots \(victim.slots.lowerBound)–\(victim.slots.upperBound - 1) truncated",
            "not replaced as it should be: \(rehearsal.failures.map(\.cause).joined(separator: "; "))")
    }

    // MARK: Step times

    /// The time that a share of the steps does not exceed (nearest rank).
    func percentile(_ share: Double) -> Double {
        times.isEmpty ? .nan : times[min(max(Int((share * Double(times.count)).rounded(.up)) - 1, 0), times.count - 1)]
    }

    var stepsPerSecond: Double { Double(slots * times.count) / times.reduce(0, +) }
}
