import Platform

/// All proofs in one Markdown page: claims, arms, seeds, numbers and verdicts, whatever they are.
enum ProofBook {
    static func text(_ reports: [ProofReport]) -> String {
        let count = { (answer: Judgement.Answer) in reports.count { $0.answer == answer } }
        let seconds = reports.reduce(0) { $0 + $1.seconds }
        let rows = reports.map { "| [`\($0.entry.id)`](#\($0.entry.id)) | \($0.answer.rawValue) | \($0.proof.claim) | \($0.entry.paper) |" }
        let details = reports.map { "## \($0.entry.id)\n\n```text\n\($0.text)\n```" }
        return """
            # Proofs

            What `apus prove --all` said of each method's claim at small scale: \(count(.holds)) hold, \(count(.undecided)) are undecided, \
            \(count(.doesNotHold)) do not hold; \(Format.seconds(seconds)) of training. A claim with several parts counts as its worst part. "±" is the \
            standard deviation over the seeds; intervals are by bootstrap over the seeds, which all arms of a claim share.

            | method | verdict | claim | paper |
            |---|---|---|---|
            \(rows.joined(separator: "\n"))

            \(details.joined(separator: "\n\n"))

            """
    }
}
