import Methods
import Platform

/// What came out of a proof.
struct ProofReport {
    struct ArmResult {
        let arm: Proof.Arm
        let numbers: Seeds
        let failures: [String]
    }

    let entry: MethodEntry
    let proof: Proof
    let arms: [ArmResult]
    let judgements: [Judgement]
    /// Of all cells together.
    let seconds: Double

    /// nil while a cell has not ended.
    ///
    /// - Parameter outcome: of a cell of the proof, by its number.
    init?(_ proof: ProofCells, outcome: (Int) -> Experiment.Outcome?) {
        let outcomes = proof.cells.indices.map(outcome)
        guard outcomes.allSatisfy({ $0 != nil }) else { return nil }
        entry = proof.entry
        self.proof = proof.proof
        let measure = proof.proof.measure
        arms = proof.proof.arms.enumerated().map { number, arm in
            var (numbers, failures): ([Double], [String]) = ([], [])
            for index in number * proof.seeds..<(number + 1) * proof.seeds {
                let cell = proof.cells[index]
                switch outcomes[index]! {
                case .failed(let text): failures.append("\(cell.label): \(text)")
                case .done(let result):
                    if let value = measure.value(result, of: cell), value.isFinite {
                        numbers.append(value)
                    } else {
                        let known = result.metrics.map(\.name).joined(separator: ", ")
                        failures.append("\(cell.label): the run has no \(measure.title); its metrics: \(known)")
                    }
                }
            }
            return ArmResult(arm: arm, numbers: Seeds(numbers), failures: failures)
        }
        let found = arms
        judgements = proof.proof.verdicts.map { verdict in
            let (a, b) = (found.first { $0.arm.name == verdict.first }!, found.first { $0.arm.name == verdict.second }!)
            return Judgement(
                verdict, a.numbers, b.numbers, lessIsBetter: measure.lessIsBetter, complete: a.failures.isEmpty && b.failures.isEmpty)
        }
        seconds = outcomes.reduce(0) { $0 + ($1?.result?.seconds ?? 0) }
    }

    var failures: [String] { arms.flatMap(\.failures) }

    /// Of the claim as a whole: it holds if every part of it does.
    var answer: Judgement.Answer {
        let answers = judgements.map(\.answer)
        for one in [Judgement.Answer.notMeasured, .doesNotHold, .undecided] where answers.contains(one) { return one }
        return .holds
    }

    private var digits: Int {
        let largest = arms.flatMap(\.numbers.values).map(abs).max() ?? 0
        return largest >= 10_000 ? 0 : largest >= 10 ? 1 : 4
    }

    var text: String {
        var table = TextTable([("arm", .left), ("lag", .right), (proof.measure.title, .right), ("±", .right), ("seeds", .left)])
        for arm in arms {
            table.add([
                arm.arm.name, "\(arm.arm.lag)", Format.decimal(arm.numbers.mean, digits), Format.decimal(arm.numbers.deviation, digits),
                arm.numbers.values.map { Format.decimal($0, digits) }.joined(separator: " "),
            ])
        }
        let verdicts = zip(proof.verdicts, judgements).map { verdict, judgement in
            var line = "\(verdict.sentence): \(judgement.answer.rawValue)"
            if let margin = judgement.margin, let interval = judgement.interval {
                let ends = [interval.lowerBound, interval.upperBound].map { Format.decimal($0, digits) }.joined(separator: " to ")
                line += " (by \(Format.decimal(margin, digits)), 90 % interval \(ends))"
            }
            return line
        }
        let lines = table.text.split(separator: "\n").map(String.init) + verdicts + failures.map { "failed: \($0)" }
        return """
            \(entry.id): \(proof.claim)
            \(lines.map { "  \($0)" }.joined(separator: "\n"))
              \(proof.run) \(proof.changes.joined(separator: " ")), \(Format.seconds(seconds)) of training
            """
    }

    var json: JSON {
        .object([
            .init("method", .string(entry.id)), .init("paper", .string(entry.paper)), .init("claim", .string(proof.claim)),
            .init("answer", .string(answer.rawValue)), .init("run", .string(proof.run)),
            .init("changes", .array(proof.changes.map(JSON.string))), .init("measure", .string(proof.measure.title)),
            .init(
                "arms",
                .array(
                    arms.map { arm in
                        .object([
                            .init("name", .string(arm.arm.name)), .init("changes", .array(arm.arm.changes.map(JSON.string))),
                            .init("lag", .integer(arm.arm.lag)), .init("numbers", .array(arm.numbers.values.map(JSON.number))),
                            .init("mean", arm.numbers.mean.map(JSON.number) ?? .null),
                            .init("deviation", arm.numbers.deviation.map(JSON.number) ?? .null),
                            .init("failures", .array(arm.failures.map(JSON.string))),
                        ])
                    })),
            .init(
                "verdicts",
                .array(
                    zip(proof.verdicts, judgements).map { verdict, judgement in
                        .object([
                            .init("verdict", .string(verdict.sentence)), .init("answer", .string(judgement.answer.rawValue)),
                            .init("margin", judgement.margin.map(JSON.number) ?? .null),
                            .init(
                                "interval",
                                judgement.interval.map { .array([.number($0.lowerBound), .number($0.upperBound)]) } ?? .null),
                        ])
                    })),
            .init("seconds", .number(seconds)),
        ])
    }
}
