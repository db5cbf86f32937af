import Platform

/// The coordinator does not answer: what its run's directory and the kernel say.
enum CoordinatorRule {
    static func explanation(_ evidence: Evidence) -> Explanation {
        let silence = "has not answered at \(evidence.address) for \(Format.seconds(evidence.patience))"
        guard let coordinator = evidence.coordinator else {
            return Explanation(
                .coordinatorSilent, weight: Weight.over, "the coordinator",
                "the coordinator \(silence): it is not there, its host or the network is down, or the address is another one",
                remedy: "Look at its host: apus why RUN_DIR there sees its process.")
        }
        let who = "the coordinator (process \(coordinator.pid))"
        guard let state = coordinator.state, !state.hasEnded else {
            let again = evidence.directory.map { ": apus-coordinator --run \($0) --bind \(evidence.address)" } ?? ""
            return Explanation(
                .coordinatorGone, weight: Weight.over, "the coordinator",
                "\(who) has ended without finishing the run: learner and actors go on, but nobody can join and nothing is recorded",
                remedy: "Start it again\(again)")
        }
        if state.isStopped {
            return Explanation(
                .coordinatorStopped, weight: Weight.over, "the coordinator",
                "\(who) is stopped (state \(state.letter)): learner and actors go on, but nobody can join and nothing is recorded",
                remedy: "Let it go on: kill -CONT \(coordinator.pid)")
        }
        let disk = state.letter == "D" ? ": it waits for its disk" : ", though it is alive (state \(state.letter))"
        return Explanation(
            state.letter == "D" ? .slowDisk : .coordinatorSilent, weight: Weight.over, state.letter == "D" ? "the coordinator's disk" : "the coordinator",
            "\(who) \(silence)\(disk)", remedy: "Look at its log and at the disk of the run directory.")
    }
}
