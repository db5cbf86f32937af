import Environments
import Platform

/// Why a worker is not as it should be.
enum WorkerFault: Error, Equatable {
    /// It ended; `output` are the last lines that it wrote.
    case ended(how: String, output: [String])
    case late(during: String, seconds: Double)
    /// Its own words: something inside it failed, and starting again may help.
    case failed(problem: String, slots: [Int])
    /// An answer that breaks the contract.
    case malformed(String)
    /// It cannot do what is asked, however often.
    case refused(problem: String, remedy: String)

    /// One sentence.
    var cause: String {
        switch self {
        case .ended(let how, let output): "the worker \(how)" + (output.last.map { ": \($0)" } ?? "")
        case .late(let during, let seconds): "no answer to \(during) for \(Self.number(seconds)) s"
        case .failed(let problem, let slots):
            slots.isEmpty ? problem : "slot \(slots.map(String.init).joined(separator: ", ")): \(problem)"
        case .malformed(let what): "the worker broke the protocol: \(what)"
        case .refused(let problem, _): problem
        }
    }

    /// A worker counts its own slots; these are `slots` of the whole.
    func among(_ slots: Range<Int>) -> WorkerFault {
        guard case .failed(let problem, let named) = self else { return self }
        return .failed(problem: problem, slots: named.map { slots.lowerBound + $0 })
    }

    private static func number(_ seconds: Double) -> String {
        seconds == seconds.rounded() && abs(seconds) < 1e9 ? "\(Int(seconds))" : "\(seconds)"
    }
}

/// An environment outside this process that cannot be used, or cannot go on.
public struct WorkerError: Remediable, Equatable {
    public let problem: String
    public let place: String
    public let remedy: String

    public init(problem: String, place: String, remedy: String) {
        self.problem = problem
        self.place = place
        self.remedy = remedy
    }

    /// The worker did not come up.
    init(_ fault: WorkerFault, opening id: String, output: [String], remedy hint: String?) {
        place = "environment \(id)"
        if case .refused(let problem, let remedy) = fault {
            self.problem = problem
            self.remedy = remedy.isEmpty ? "See what the environment's own documentation says about it." : remedy
            return
        }
        problem = "the worker does not start: \(fault.cause)"
        // Where the remedy is known, the traceback above the cause tells nothing more.
        remedy = hint ?? "Mend what it says, or try the worker alone: apus environments check '\(id)'." + Self.quoted(output)
    }

    /// The worker failed too often.
    init(_ fault: WorkerFault, id: String, failures: Int, output: [String]) {
        problem = "the environment failed \(failures) times within a minute, last with: \(fault.cause)"
        place = "environment \(id)"
        remedy =
            "Mend the environment, allow more with environment.options.restarts, or give it more time with "
            + "environment.options.step_deadline." + Self.quoted(output)
    }

    private static func quoted(_ lines: [String]) -> String {
        lines.isEmpty ? "" : " The last that it wrote:\n" + lines.map { "    \($0)" }.joined(separator: "\n")
    }
}
