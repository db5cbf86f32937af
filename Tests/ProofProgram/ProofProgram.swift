import Commands
import Glibc
import Methods
import Networks
import Platform
import Rollouts
import Tensors

/// `apus` with an environment that hangs, a verifier that wavers, and with methods whose proofs are short: one that is sound, one whose verdict names no arm, and one
/// whose arms fail or crash.
@main struct ProofProgram {
    static func main() { Program(environments: [Standstill.self], tokenEnvironments: [Wavering.self], methods: [sound, senseless, faulty]).main() }

    /// CartPole for a moment.
    private static let short = [
        "stop.frames=30000", "actors.slots=8", "stop.return=30", "stop.evaluation_episodes=2", "stop.episodes=20", "method.id=faulty",
        "method.options.discount=0.98",
    ]

    private static func entry(_ id: String, _ proof: Proof?) -> MethodEntry {
        MethodEntry(
            id: id, kind: "test", summary: "advantage actor–critic that fails as it is told", paper: "none",
            options: [
                MethodOption("discount", 0.99, 0...1, "γ"), MethodOption("entropy", 0, 0...1, "unused"),
                MethodOption("value", 0.5, 0...1, "unused"),
                MethodOption("fails", 0, 0...2, isWhole: true, "0: not, 1: with an error, 2: by a crash"),
            ], proof: proof
        ) { option in Faulty(fails: option.count("fails")) }
    }

    private static let sound = entry(
        "sound",
        Proof(
            claim: "who learns is better than who does not", run: "cartpole", changes: short,
            arms: [
                Proof.Arm("learns", ["optimizer.learning_rate=0.005"]), Proof.Arm("does not", ["optimizer.learning_rate=1e-9"]),
                Proof.Arm("late", ["optimizer.learning_rate=1e-9"], lag: 3),
            ],
            measure: .meanReturn,
            verdicts: [.better("learns", than: "does not"), .better("does not", than: "learns"), .atLeast(0.5, "late", of: "does not")],
            seeds: 3))

    private static let senseless = entry(
        "senseless",
        Proof(
            claim: "nothing", run: "cartpole", changes: short, arms: [Proof.Arm("a")], measure: .meanReturn,
            verdicts: [.better("a", than: "b")]))

    private static let faulty = entry(
        "faulty",
        Proof(
            claim: "who crashes is worse", run: "cartpole", changes: short,
            arms: [
                Proof.Arm("works"), Proof.Arm("fails", ["method.options.fails=1"]), Proof.Arm("crashes", ["method.options.fails=2"]),
            ],
            measure: .framesToReturn, verdicts: [.better("works", than: "fails"), .atLeast(0.1, "works", of: "works")], seeds: 2))
}

/// A2C that goes wrong in its fifth update.
private struct Faulty: Algorithm {
    let fails: Int
    let method = Method.a2c()
    var staleness: Staleness { .any }
    var discount: Float { method.discount }

    func learner(_ setting: LearnerSetting) throws -> any Learner { FaultyLearner(fails, try method.learner(setting)) }
}

private final class FaultyLearner: Learner {
    private let fails: Int
    private let learner: any Learner

    init(_ fails: Int, _ learner: any Learner) { (self.fails, self.learner) = (fails, learner) }

    var weights: Weights { learner.weights }
    var state: [Column] { learner.state }
    func restore(_ state: [Column]) throws { try learner.restore(state) }

    func update(_ batch: RolloutBatch, at moment: Moment) throws -> LearnerReport {
        if moment.version == 5, fails == 1 { throw Told() }
        if moment.version == 5, fails == 2 { abort() }
        return try learner.update(batch, at: moment)
    }
}

private struct Told: Remediable {
    let problem = "it was told to fail"
    let place = "the test"
    let remedy = "Tell it otherwise."
}
