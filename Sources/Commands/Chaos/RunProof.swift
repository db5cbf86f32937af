import Platform
import Runs
import Wire

/// What must hold of a run that is over, whatever happened to it; read from its directory.
struct RunProof {
    let directory: RunDirectory
    let ledger: LedgerCheck.Report
    let result: RunResult?
    let replay: ReplayProof
    private(set) var problems: [String] = []

    /// - Parameters:
    ///   - spec: what was run.
    ///   - actors: which process was which actor, as the coordinator told.
    ///   - killed: the processes that were killed: only these may have lost something.
    init(_ directory: RunDirectory, _ spec: RunSpec, actors: [Int32: MemberPlace], killed: Set<Int32>) throws {
        self.directory = directory
        ledger = try LedgerCheck.run(directory.ledger)
        result = try RunResult.read(from: directory)
        replay = ReplayProof(directory, spec)
        if let problem = replay.problem { problems.append(problem) }
        if !ledger.isSound { problems.append("the ledger is not sound:\n\(ledger.text)") }
        if ledger.state.open > 0 { problems.append("\(ledger.state.open) rollouts have no end") }
        guard let result else {
            problems.append("the run has no result")
            return
        }
        let trained = ledger.state.totals.trained * UInt64(spec.actors.slots * spec.actors.unroll)
        // Rollouts of responses have as many frames as tokens were drawn for them.
        if !spec.isTokenRun, result.frames != trained { problems.append("\(result.frames) frames were counted, and \(trained) stand in the ledger as trained on") }
        if result.version != ledger.state.version {
            problems.append("the run ended at version \(result.version), and its ledger at \(ledger.state.version)")
        }
        let newest = try CheckpointStore(directory.checkpoints).readNewestValid()
        if newest?.checkpoint.version != result.version || newest?.skipped.isEmpty == false {
            problems.append("the last checkpoint is of version \(newest.map { "\($0.checkpoint.version)" } ?? "none"), not \(result.version)")
        }
        let living = actors.filter { !killed.contains($0.key) }.map(\.value)
        for place in living.sorted() {
            let lost = ledger.state.incarnations[LedgerState.Incarnation(actor: place.rank, number: place.incarnation)]?.counts.lost ?? 0
            if lost > 0 { problems.append("\(lost) rollouts of actor \(place) were lost, which was not killed") }
        }
    }

    var text: String {
        let totals = ledger.state.totals
        return "\(directory.path): \(Format.count(Double(result?.frames ?? 0))) frames, \(ledger.state.lives) learner lives, \(ledger.state.incarnations.count) actor lives; "
            + "\(totals.trained) rollouts trained, \(totals.rewound) rewound, \(totals.stale) stale, \(totals.failed) failed, "
            + "\(totals.cancelled) cancelled, \(totals.lost) lost with killed actors; \(replay.text)"
    }

    var json: JSON {
        .object([
            .init("run_dir", .string(directory.path)), .init("frames", .integer(Int(result?.frames ?? 0))),
            .init("sound", .bool(ledger.isSound)), .init("learner_lives", .integer(Int(ledger.state.lives))),
            .init("lost", .integer(Int(ledger.state.totals.lost))), .init("rewound", .integer(Int(ledger.state.totals.rewound))),
            .init("replay", .string(replay.text)), .init("replay_equal", .bool(replay.isEqual)), .init("problems", .array(problems.map(JSON.string))),
        ])
    }
}
