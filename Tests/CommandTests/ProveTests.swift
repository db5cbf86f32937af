import Commands
import Glibc
import Methods
import Platform
import Testing

@Suite struct ProveTests {
    private func prove(_ arguments: [String], in folder: String) throws -> Program.Result {
        try Program("proof-program", ["prove"] + arguments, in: folder).result()
    }

    @Test func verdictsAndSpread() throws {
        try inScratch { folder in
            let result = try prove(["sound", "--json"], in: folder)
            #expect(result.code == 0 && result.error.isEmpty, "\(result.error)")
            let proof = try #require(result.json()["proofs"]?.array?.first)
            #expect(proof["method"]?.string == "sound" && proof["measure"]?.string == "mean return over the run")
            let arms = try #require(proof["arms"]?.array)
            #expect(arms.map { $0["numbers"]?.array?.count } == [3, 3, 3] && arms.map { $0["lag"]?.integer } == [0, 0, 3])
            #expect(arms[0]["mean"]?.number ?? 0 > 1.3 * (arms[1]["mean"]?.number ?? .infinity), "\(proof)")
            // With a policy that does not change, the age of the data is of no account.
            #expect(arms[1]["deviation"]?.number ?? 0 > 0 && arms[2]["mean"]?.number ?? 0 > 0)
            let verdicts = try #require(proof["verdicts"]?.array)
            #expect(verdicts.map { $0["answer"]?.string } == ["holds", "does not hold", "holds"])
            #expect(verdicts[0]["interval"]?.array?[0].number ?? 0 > 0)
            #expect(proof["answer"]?.string == "does not hold", "of the claim as a whole")
            #expect(try JSON.parse(Files.read("\(folder)/proofs/sound.json"), place: "the report") == proof)

            // Nothing is run again, in words too.
            let lines = try Files.read("\(folder)/proofs/cells.jsonl")
            let again = try prove(["sound"], in: folder)
            #expect(again.code == 0 && again.output.contains("9 of 9 cells are known from before"), "\(again.output)")
            for words in ["who learns is better than who does not", "learns is better than does not: holds (by ", "90 % interval"] {
                #expect(again.output.contains(words), "\(words)")
            }
            #expect(try Files.read("\(folder)/proofs/cells.jsonl") == lines)
            // More seeds go on from there.
            #expect(try prove(["sound", "--seeds", "4"], in: folder).output.contains("9 of 12 cells are known from before"))
        }
    }

    /// One seed has no spread to judge by.
    @Test func oneSeedDecidesNothing() throws {
        try inScratch { folder in
            let proof = try #require(prove(["sound", "--seeds", "1", "--json"], in: folder).json()["proofs"]?.array?.first)
            #expect(proof["answer"]?.string == "undecided")
        }
    }

    @Test func whatFailsIsToldAndTakesNoOtherWithIt() throws {
        try inScratch { folder in
            let result = try prove(["faulty", "--json"], in: folder)
            #expect(result.code == 1)
            let proof = try #require(result.json()["proofs"]?.array?.first)
            let arms = try #require(proof["arms"]?.array)
            #expect(arms.map { $0["numbers"]?.array?.count } == [2, 0, 0])
            let failures = arms.map { $0["failures"]?.array?.first?.string ?? "" }
            #expect(failures[0].isEmpty && failures[1].contains("it was told to fail (in the test)"), "\(failures)")
            #expect(failures[2].contains("was killed by signal 6"), "\(failures)")
            #expect(proof["verdicts"]?.array?.map { $0["answer"]?.string } == ["not measured", "holds"])
            #expect(proof["answer"]?.string == "not measured")
            // Only what is done is kept: failures are tried again.
            let kept = try Files.read("\(folder)/proofs/cells.jsonl").split(separator: UInt8(ascii: "\n"))
            #expect(kept.count == 2)
            // Frames are counted until the return is there, and no further.
            for line in kept {
                let cell = try #require(JSON.parse(Array(line), place: "a cell")["result"])
                let frames = try #require(cell["frames_to_return"]?.integer)
                #expect(frames == cell["frames"]?.integer && frames < 30000)
            }
        }
    }

    @Test func mistakesAreNamed() throws {
        try inScratch { (folder: String) throws in
            func error(_ arguments: [String]) throws -> String {
                let result = try prove(arguments, in: folder)
                #expect(result.code != 0 && result.output.isEmpty)
                return result.error
            }
            #expect(try error([]).contains("--all"))
            #expect(try error(["sound", "--all"]).contains("--all"))
            #expect(try error(["sonud"]).contains("Did you mean \"sound\"?"))
            #expect(try error(["senseless"]).contains("a verdict is about \"b\", which is no arm"))
            #expect(try error(["sound", "--seeds", "0"]).contains("allowed are 1 to 1000"))
            #expect(!Files.exists("\(folder)/proofs"), "a mistake leaves nothing behind")
        }
    }

    /// Arms that can be made, verdicts about them, and enough seeds to judge by.
    @Test func everyProofCanBeRun() throws {
        for entry in MethodCatalogue.standard.methods {
            guard let proof = entry.proof else { continue }
            #expect(throws: Never.self, "\(entry.id)") { _ = try ProofCells(entry, seeds: nil) }
            #expect(proof.seeds >= 5 && proof.arms.count >= 2 && proof.claim.count > 20, "\(entry.id)")
        }
    }

    // MARK: Numbers

    @Test func bootstrapIsTheIntervalOfMeans() {
        let a = Seeds([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map { $0 * 10 })
        let none = Seeds([Double](repeating: 0, count: 10))
        let interval = bootstrap(a, none, -)
        // The standard error of the mean of the ten is 28.7/√10 = 9.1, so 90 % are within ± 1.645 · 9.1 of 55.
        #expect(abs(interval.lowerBound - 40) < 1.5 && abs(interval.upperBound - 70) < 1.5, "\(interval)")
        #expect(bootstrap(a, none, -) == interval)
        // What a seed does to both arms alike is no difference between them.
        #expect(bootstrap(Seeds([5, 9]), Seeds([2, 6]), -) == 3...3)
        #expect(abs(a.deviation! - 30.2765) < 1e-3 && a.mean == 55 && Seeds([1]).deviation == nil && Seeds([]).mean == nil)
    }

    @Test func judgements() {
        func judge(_ verdict: Proof.Verdict, _ a: [Double], _ b: [Double], less: Bool = false) -> Judgement.Answer {
            Judgement(verdict, Seeds(a), Seeds(b), lessIsBetter: less, complete: true).answer
        }
        let better = Proof.Verdict.better("a", than: "b")
        #expect(judge(better, [10, 11, 12], [1, 2, 3]) == .holds && judge(better, [1, 2, 3], [10, 11, 12]) == .doesNotHold)
        #expect(judge(better, [1, 2, 3], [3, 2, 1]) == .undecided && judge(better, [2, 3, 4], [1, 2, 3]) == .holds)
        #expect(judge(better, [5, 5], [5, 5]) == .doesNotHold)
        #expect(judge(better, [10, 11, 12], [1, 2, 3], less: true) == .doesNotHold)
        let atLeast = Proof.Verdict.atLeast(0.9, "a", of: "b")
        #expect(judge(atLeast, [500, 500], [500, 500]) == .holds && judge(atLeast, [450, 450], [500, 500]) == .holds)
        #expect(judge(atLeast, [440, 442], [500, 500]) == .doesNotHold && judge(atLeast, [300, 500, 500], [500, 500, 500]) == .undecided)
        // Below 0: −95 is above −90/0.9 = −100, −105 is not.
        #expect(judge(atLeast, [-95, -95], [-90, -90]) == .holds && judge(atLeast, [-105, -105], [-90, -90]) == .doesNotHold)
        let below = Proof.Verdict.below(0.5, "a", of: "b")
        #expect(judge(below, [100, 110], [500, 490]) == .holds && judge(below, [400, 410], [500, 490]) == .doesNotHold)
        #expect(judge(below, [250, 250], [500, 500]) == .doesNotHold && judge(better, [10], [1]) == .undecided)
        #expect(Judgement(better, Seeds([1]), Seeds([2]), lessIsBetter: false, complete: false).answer == .notMeasured)
    }
}
