import Environments
import Networks
import Platform
import Rollouts
import Tensors

/// Computes log μ(a | o) of some rollouts again, with the version that acted, and demands the actor's own numbers.
///
/// Importance weights compare two policies; where actor and learner disagree about one and the same policy, every correction is wrong and
/// nothing else shows it. Rollouts are chosen by their number, so that two runs check the same ones.
package struct MismatchDetector {
    /// The largest |Δ log μ| that rounding explains: products of other shapes add in another order.
    package static let tolerance: Float = 1e-5
    /// What the versions kept may take, in bytes.
    private static let memory = 256 << 20

    private let network: any PolicyNetwork
    /// Every so-manieth rollout of an actor is checked; 0: none.
    private let period: UInt64
    private var capacity = 1
    private let scratch: Weights
    /// What was published, oldest first.
    private var versions: [(version: UInt64, parameters: SharedBytes)] = []

    /// Rollouts checked since `take`, and the largest |Δ log μ| among them.
    private var checked = 0
    private var largest: Float = 0
    /// Rollouts that differed, ever.
    package private(set) var mismatches: UInt64 = 0

    /// - Parameters:
    ///   - share: of the rollouts, 0 … 1.
    ///   - maxLag: versions older than this need not be kept.
    package init(_ network: any PolicyNetwork, share: Double, maxLag: Int) {
        self.network = network
        period = share > 0 ? max(UInt64(min((1 / share).rounded(), 0x1p62)), 1) : 0
        scratch = Weights(network.layout)
        bound(maxLag: maxLag)
    }

    /// Keeps as many versions as data may be old.
    package mutating func bound(maxLag: Int) {
        capacity = max(min(maxLag, Self.memory / max(network.layout.count * 4, 1) - 1) + 1, 1)
    }

    /// Remembers what actors get. Versions come in ascending order.
    package mutating func published(_ parameters: SharedBytes, version: UInt64) {
        guard period > 0 else { return }
        if versions.count >= capacity { versions.removeFirst(versions.count - capacity + 1) }
        versions.append((version, parameters))
    }

    /// Checks a rollout if it is its turn and its version is still there.
    ///
    /// - Returns: what is wrong; nil: nothing.
    package mutating func check(_ rollout: Rollout) throws -> Mismatch? {
        guard period > 0, rollout.id.sequence % period == 0, network.distribution.isEvaluable,
            let held = versions.last(where: { $0.version == rollout.version })
        else { return nil }
        let suspect = try MismatchCase(rollout, network)
        let difference = suspect.difference(with: load(held.parameters))
        checked += 1
        largest = max(largest, difference)
        // Not a number is never within the tolerance.
        if difference <= Self.tolerance { return nil }
        mismatches += 1
        return Mismatch(id: rollout.id, version: rollout.version, difference: difference, cause: cause(suspect, held))
    }

    /// The largest difference since the last call, if anything was checked.
    package mutating func take() -> Float? {
        defer { (checked, largest) = (0, 0) }
        return checked > 0 ? largest : nil
    }

    private func load(_ bytes: SharedBytes) -> Parameters {
        scratch.flat.withMutableBuffer { target in
            bytes.withBytes { UnsafeMutableRawBufferPointer(target).copyMemory(from: $0) }
        }
        return scratch.parameters()
    }

    // MARK: What fits

    /// The first explanation under which the actor's numbers come out.
    private func cause(_ suspect: MismatchCase, _ held: (version: UInt64, parameters: SharedBytes)) -> Mismatch.Cause {
        func fits(_ difference: Float) -> Bool { difference <= Self.tolerance }
        // The nearest versions first.
        let others = versions.filter { $0.version != held.version }
            .sorted { distance($0.version, held.version) < distance($1.version, held.version) }.prefix(16)
        for other in others where fits(suspect.difference(with: load(other.parameters))) { return .version(other.version) }
        if network.normalizesObservations {
            for other in others {
                _ = load(other.parameters)
                let normalizer = network.layout.specs.filter { $0.name.hasPrefix("normalizer.") }
                let values = normalizer.map { scratch.flat.rows($0.offset..<$0.offset + $0.count).values }
                let parameters = load(held.parameters)
                for (spec, values) in zip(normalizer, values) {
                    scratch.flat.rows(spec.offset..<spec.offset + spec.count).withMutableBuffer { _ = $0.update(fromContentsOf: values) }
                }
                if fits(suspect.difference(with: parameters)) { return .normalizer(other.version) }
            }
        }
        let parameters = load(held.parameters)
        if network.stateCount > 0 {
            if fits(suspect.difference(with: parameters, state: .zero)) { return .storedState }
            if fits(suspect.difference(with: parameters, state: .neverReset)) { return .stateReset }
        }
        if fits(suspect.difference(with: parameters, bounded: true)) { return .boundedAction }
        return suspect.difference(with: parameters) < 0.05 ? .precision : .unknown
    }

    private func distance(_ a: UInt64, _ b: UInt64) -> UInt64 { a > b ? a - b : b - a }
}

/// An actor and the learner disagree about a policy.
package struct Mismatch: Remediable, Equatable {
    package enum Cause: Equatable, Sendable {
        /// Another version acted than the rollout says.
        case version(UInt64)
        /// The observation statistics were another version's.
        case normalizer(UInt64)
        /// The actor began with a recurrent state of zero, not with the one that it stored.
        case storedState
        /// The actor did not forget its recurrent state where an episode began.
        case stateReset
        /// The log-probability is that of the action after it was clipped or squashed.
        case boundedAction
        /// Nothing else fits, and the difference is small: another precision, or other kernels.
        case precision
        case unknown
    }

    package let id: RolloutID
    package let version: UInt64
    /// max |Δ log μ|
    package let difference: Float
    package let cause: Cause

    package var problem: String {
        let fit =
            switch cause {
            case .version(let other): "version \(other) fits: the rollout carries the wrong version"
            case .normalizer(let other): "the observation statistics of version \(other) fit: the actor normalises with others than it was sent"
            case .storedState: "a recurrent state of zero fits: the actor does not store the state that it had"
            case .stateReset: "a recurrent state that is never reset fits: the actor carries it into new episodes"
            case .boundedAction: "the bounded action fits: the actor tells the density of what the environment got, not of what it drew"
            case .precision: "nothing else fits, and it is small: the actor computes with another precision or other kernels"
            case .unknown: "no known cause fits"
            }
        return "log μ of the actor and of the learner differ by up to \(difference); \(fit)"
    }
    package var place: String { "rollout \(id), acted by version \(version)" }
    package var remedy: String {
        """
        Importance weights are wrong by this factor's exponential. Use the same build of Apus everywhere, or mend the program that acts; \
        learner.on_mismatch decides whether the run goes on.
        """
    }
}
