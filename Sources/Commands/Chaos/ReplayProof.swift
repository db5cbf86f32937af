import Learning
import Platform
import Runs

/// What came of making a run's last checkpoint again, serially, from its ledger.
enum ReplayProof: Equatable {
    case equal(version: UInt64, seconds: Double)
    case different(version: UInt64)
    /// The ledger does not tell how.
    case failed(String)
    /// What its environments do does not follow from the state, the action and the seed alone, as far as Apus knows.
    case notTried(String)

    init(_ directory: RunDirectory, _ spec: RunSpec) {
        // Environments of other processes: worker:, gymnasium:, pettingzoo:.
        guard !spec.environment.id.contains(":") else {
            self = .notTried("\(spec.environment.id) steps in another process")
            return
        }
        guard !spec.isTokenRun else {
            self = .notTried("responses of a token policy may go on over several versions")
            return
        }
        let start = Time.now
        do {
            let result = try SerialReplay(directory, to: nil).run()
            switch result.isEqual {
            case true?: self = .equal(version: result.version, seconds: Time.now - start)
            case false?: self = .different(version: result.version)
            case nil: self = .failed("there is no checkpoint of version \(result.version)")
            }
        } catch {
            self = .failed("\(error)")
        }
    }

    var problem: String? {
        switch self {
        case .equal, .notTried: nil
        case .different(let version): "made again from the ledger, version \(version) has other weights than the checkpoint"
        case .failed(let why): "the run cannot be made again from its ledger: \(why)"
        }
    }

    var text: String {
        switch self {
        case .equal(let version, let seconds): "version \(version) made again from the ledger in \(Format.seconds(seconds)), bit for bit"
        case .notTried(let why): "not made again from the ledger: \(why)"
        case .different, .failed: problem ?? ""
        }
    }

    var isEqual: Bool { if case .equal = self { true } else { false } }
}
