import Learning
import Methods
import Platform
import Runs

/// A method's proof as cells: arm × seed.
package struct ProofCells {
    let entry: MethodEntry
    let proof: Proof
    let seeds: Int
    let cells: [Cell]

    /// - Parameter seeds: nil: as many as the proof says.
    /// - Throws: when the method has no proof, or one that cannot be run.
    package init(_ entry: MethodEntry, seeds: Int?, in catalogue: MethodCatalogue = .current) throws {
        guard let proof = entry.proof else {
            throw ProofError(
                problem: "the method \(entry.id) has no proof", place: entry.id,
                remedy: "Those that have one: \(catalogue.methods.filter { $0.proof != nil }.map(\.id).joined(separator: ", ")).")
        }
        let seeds = seeds ?? proof.seeds
        self.entry = entry
        self.proof = proof
        self.seeds = seeds
        try Self.check(proof, of: entry.id)
        var cells: [Cell] = []
        for arm in proof.arms {
            let spec = try RunSpec.load(proof.run, overrides: proof.changes + arm.changes)
            try spec.checkNames()
            if proof.measure == .framesToReturn, spec.stop.return == nil {
                throw ProofError(
                    problem: "the arm \(arm.name) has no stop.return to count the frames to", place: "the proof of \(entry.id)",
                    remedy: "Set it in the proof's changes.")
            }
            for seed in 0..<max(seeds, 0) {
                var spec = spec
                spec.seed = UInt64(seed + 1)
                cells.append(
                    Cell(
                        "\(entry.id): \(arm.name), seed \(spec.seed)", spec, lag: arm.lag == 0 ? .none : .fixed(arm.lag),
                        endsAtTarget: proof.measure == .framesToReturn))
            }
        }
        self.cells = cells
    }

    private static func check(_ proof: Proof, of id: String) throws(ProofError) {
        let names = proof.arms.map(\.name)
        let compared = proof.verdicts.flatMap { [$0.first, $0.second] }
        let problem: String
        if Set(names).count != names.count {
            problem = "two arms have one name"
        } else if let unknown = compared.first(where: { !names.contains($0) }) {
            problem = "a verdict is about \"\(unknown)\", which is no arm"
        } else if proof.verdicts.isEmpty {
            problem = "it compares nothing"
        } else {
            return
        }
        throw ProofError(problem: problem, place: "the proof of \(id)", remedy: "Its arms are \(names.joined(separator: ", ")).")
    }
}

/// A proof that cannot be run.
struct ProofError: Remediable {
    let problem: String
    let place: String
    let remedy: String
}

extension Proof.Measure {
    /// What it is called in tables.
    var title: String {
        switch self {
        case .finalReturn: "return of the last version"
        case .meanReturn: "mean return over the run"
        case .framesToReturn: "frames to the return"
        case .metric(let name): name
        }
    }

    var lessIsBetter: Bool { self == .framesToReturn }

    /// The number that is compared; nil where the run has none.
    func value(_ result: CellResult, of cell: Cell) -> Double? {
        switch self {
        case .finalReturn: result.finalReturn
        case .meanReturn: result.meanReturn
        case .framesToReturn: Double(result.framesToReturn ?? cell.spec.stop.frames)
        case .metric(let name): result.lastMetrics.first { $0.name == name }?.value
        }
    }
}

extension Proof.Verdict {
    var first: String {
        switch self {
        case .better(let a, _), .atLeast(_, let a, _), .below(_, let a, _): a
        }
    }

    var second: String {
        switch self {
        case .better(_, let b), .atLeast(_, _, let b), .below(_, _, let b): b
        }
    }
}
