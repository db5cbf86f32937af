import Methods
import Platform
import Runs

/// A way to treat data that is older than the policy, under the name that a lag sweep has for it.
package struct LagCorrection {
    package let name: String
    /// The id of the method that does it.
    package let method: String
    /// Options of that method that belong to it; those that the method does not have are left out.
    package let options: [(name: String, value: Double)]
    /// One line. ρ = π/μ, the target policy's probability of the action over the behaviour policy's.
    package let meaning: String

    /// All of them make one gradient step on each batch, and share what else can be shared: so they differ in the correction alone.
    static let oneStep: [(name: String, value: Double)] = [("epochs", 1), ("minibatches", 1)]

    /// What has a name of its own, for policies of steps. Every other method of the catalogue goes by its id.
    package static let named = [
        LagCorrection("none", "a2c", "no correction: old data counts as if the policy of now had acted"),
        LagCorrection(
            "clip", "ppo", [("behaviour_anchor", 1)], "PPO's clip with π_prox = μ: no gradient where ρ has left 1 ± ε in its advantage's favour"),
        LagCorrection("vtrace", "vtrace", "V-trace: ρ, truncated, in the policy gradient and in the value targets"),
        LagCorrection("decoupled", "decoupled-ppo", "decoupled PPO: clip around the policy at the update's start, weight π_prox/μ"),
        LagCorrection("tis", "tis", "truncated importance sampling: ρ, truncated, in the policy gradient alone"),
        LagCorrection("topr", "topr", "tapered off-policy REINFORCE: ρ, truncated, only where the advantage is negative"),
        LagCorrection("impact", "impact", "IMPACT: clip around a target network, V-trace under it"),
        LagCorrection("appo", "appo", "asynchronous PPO: clip around a target network, with V-trace"),
    ]

    /// For token policies; ρ is that of one token.
    package static let namedForTokens = [
        LagCorrection("none", "reinforce-tokens", [("mean", 1)], "no correction: old responses count as if the policy of now had drawn them"),
        LagCorrection("clip", "grpo", "GRPO's clip with π_prox = μ: no gradient where ρ has left 1 ± ε in its advantage's favour"),
        LagCorrection("ppo", "ppo-tokens", "PPO's clip with π_prox = μ, and a value of every token"),
        LagCorrection("decoupled", "decoupled-ppo-tokens", "decoupled PPO: clip around the policy at the update's start, weight π_prox/μ, masked beyond a cap"),
        LagCorrection("decoupled-critic", "decoupled-ppo-tokens", [("critic", 1)], "the same with a value of every token: what ppo is without it"),
        LagCorrection("tis", "tis-tokens", "truncated importance sampling: decoupled, with the weight cut off at its cap"),
        LagCorrection("mis", "mis-tokens", "masked importance sampling: decoupled, masked below a floor, too"),
        LagCorrection("cispo", "cispo-tokens", "CISPO: ρ, truncated, in the policy gradient: no token is dropped"),
        LagCorrection("topr", "topr-tokens", "tapered off-policy REINFORCE of whole responses: ρ, truncated, only where the advantage is negative"),
    ]

    /// - Parameter tokens: of token policies, or of policies of steps.
    package static func named(tokens: Bool) -> [LagCorrection] { tokens ? namedForTokens : named }

    private init(_ name: String, _ method: String, _ options: [(name: String, value: Double)] = [], _ meaning: String) {
        (self.name, self.method, self.options, self.meaning) = (name, method, options, meaning)
    }

    private init(_ name: String, _ method: String, _ meaning: String) { self.init(name, method, [], meaning) }

    /// The correction of that name: one of the table, or a method by its id.
    ///
    /// - Parameter tokens: for token policies.
    package init(_ name: String, tokens: Bool = false, in catalogue: MethodCatalogue = .current) throws(UnknownCorrection) {
        let methods = Self.methods(tokens: tokens, in: catalogue)
        func unknown(missing: String?) -> UnknownCorrection {
            UnknownCorrection(name: name, missing: missing, isForTokens: tokens, known: Self.known(tokens: tokens, in: catalogue))
        }
        if let named = Self.named(tokens: tokens).first(where: { $0.name == name }) {
            guard methods.contains(where: { $0.id == named.method }) else { throw unknown(missing: named.method) }
            self = named
        } else if let entry = methods.first(where: { $0.id == name }) {
            self.init(name, name, entry.summary)
        } else {
            throw unknown(missing: nil)
        }
    }

    /// The names that can be asked for: of the table, then the ids of other methods.
    package static func known(tokens: Bool = false, in catalogue: MethodCatalogue = .current) -> [String] {
        let ids = methods(tokens: tokens, in: catalogue).map(\.id)
        let table = named(tokens: tokens).filter { ids.contains($0.method) }
        return table.map(\.name) + ids.filter { id in !table.contains { $0.method == id && $0.options.isEmpty } }
    }

    private static func methods(tokens: Bool, in catalogue: MethodCatalogue) -> [MethodEntry] {
        catalogue.methods.filter { ($0.defaults is TokenMethod) == tokens }
    }

    /// The run with this correction in place of its method. Every option of the run's own method keeps its value where this one has an option
    /// of that name.
    ///
    /// - Parameter chosen: the options that the user has set by name; they go before what belongs to the correction.
    package func applied(to run: RunSpec, chosen: Set<String>, in catalogue: MethodCatalogue = .current) throws -> RunSpec {
        let own = try catalogue.method(id: run.method.id)
        let entry = try catalogue.method(id: method)
        let has = Set(entry.options.map(\.name))
        var values: [String: Double] = [:]
        for option in own.options where has.contains(option.name) { values[option.name] = run.method.options[option.name] ?? option.defaultValue }
        for (name, value) in Self.oneStep + options where has.contains(name) { values[name] = value }
        for name in chosen where has.contains(name) { values[name] = run.method.options[name] }
        var changed = run
        changed.method.id = method
        changed.method.options = values
        try changed.checkNames()
        return changed
    }
}

/// No correction of that name.
package struct UnknownCorrection: Remediable {
    package let name: String
    /// The method that it needs.
    package let missing: String?
    let isForTokens: Bool
    package let known: [String]

    package var problem: String {
        missing.map { "the correction \(name) needs the method \($0), which is not in the catalogue" } ?? "there is no correction \"\(name)\"\(isForTokens ? " for token policies" : "")"
    }
    package var place: String { "--corrections" }
    package var remedy: String {
        (missing == nil ? nearest(to: name, in: known).map { "Did you mean \($0)? " } ?? "" : "")
            + "There are: \(known.joined(separator: ", "))."
    }
}
