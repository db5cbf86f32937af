import Apus

/// Learn only from what went better than expected: −max(A, 0) log π(a | o) per step, with V-trace's advantages (after Oh et al., 2018,
/// "Self-Imitation Learning", without their replay).
struct SelfImitation: Objective {
    func loss(_ step: PolicyStep) -> Tensor {
        let better = maximum(step.advantage, Tensor(zeros: step.advantage.shape))
        return -(better * step.logProb)
    }
}

extension MethodEntry {
    static let selfImitation = MethodEntry(
        id: "self_imitation", kind: "actor–critic", summary: "imitates the steps that went better than expected",
        paper: "Oh et al. 2018, arXiv:1806.05635",
        options: [MethodOption("discount", 0.95, 0...1, "γ"), MethodOption("entropy", 0.01, 0...10, "coefficient of the entropy bonus")]
    ) { option in
        Method(
            "self_imitation", staleness: .onPolicy(maxLag: 32), discount: option("discount"),
            credit: VTrace(lambda: 1, rhoBar: 1, cBar: 1, policyRhoBar: 1), objective: SelfImitation(),
            regularizers: [Entropy(option("entropy")), ValueError(0.5)], aggregate: .stepMean)
    }
}
