import Methods
import Networks
import Rollouts
import Tensors
import Testing

/// Every method for token policies, as an entry and on a small transformer.
@Suite struct TokenCatalogueTests {
    @Test func entriesAreDocumented() {
        let entries = MethodCatalogue.tokens
        #expect(Set(entries.map(\.id)).count == entries.count)
        #expect(Set(entries.map(\.id)).isDisjoint(with: MethodCatalogue.standard.methods.filter { $0.kind != "token policy" }.map(\.id)))
        for entry in entries {
            #expect(!entry.summary.isEmpty && !entry.paper.isEmpty && !entry.paperID.isEmpty && entry.kind == "token policy")
            #expect(Set(entry.options.map(\.name)).count == entry.options.count, "\(entry.id)")
            for option in entry.options {
                #expect(option.range.contains(option.defaultValue) && !option.documentation.isEmpty, "\(entry.id) \(option.name)")
            }
            #expect((entry.defaults as? TokenMethod)?.name == entry.id)
        }
    }

    /// What an option sets is somewhere in the method: another value makes another method.
    @Test(arguments: MethodCatalogue.tokens.map(\.id)) func everyOptionReachesItsPlace(_ id: String) throws {
        let catalogue = MethodCatalogue(MethodCatalogue.tokens)
        let entry = try catalogue.method(id: id)
        // Some options matter only beside others.
        let beside: [[String: Double]] = [[:], ["critic": 1], ["mean": 0], ["divergence": 2]]
        func described(_ options: [String: Double]) throws -> String {
            let method = try catalogue.make(id: id, options: options) as! TokenMethod
            // What a schedule does is to be seen in its values alone.
            let schedules = method.terms.compactMap { $0 as? ReferenceDivergence }.map { term in [0, 0.2, 0.9].map(term.coefficient) }
            return String(reflecting: method) + "\(schedules)"
        }
        for option in entry.options {
            let range = option.range
            let candidates = [1, 0, 2, 3, 0.5, 0.25, range.lowerBound, min(range.upperBound, 1e6)]
            let other = candidates.first {
                $0 != option.defaultValue && range.contains($0) && (!option.isFlag || $0 == 0 || $0 == 1) && (!option.isWhole || $0 == $0.rounded())
            }
            let value = try #require(other, "\(id) \(option.name)")
            let found = try beside.map { base in
                var base = base.filter { name, _ in entry.options.contains { $0.name == name } }
                base[option.name] = nil
                let before = try described(base)
                return try described(base.merging([option.name: value]) { $1 }) != before
            }
            #expect(found.contains(true), "\(id): \(option.name) = \(value) changes nothing")
        }
    }

    @Test(arguments: TokenSlopeTests.cases) func everyMethodTrainsATransformer(_ one: TokenSlopeTests.Case) throws {
        let method = one.method
        var settings = TransformerSettings(vocabulary: 8, layers: 1, width: 8, heads: 2, context: 24)
        settings.hasValueHead = method.hasValue
        let transformer = try Transformer(settings)
        let groups = TokenGroups.random(seed: 3, plan: method.plan)
        func run() throws -> (weights: [Float], losses: [Float]) {
            let learner = try TokenLearner(
                method, transformer, from: transformer.initialWeights(seed: 4), optimizer: OptimizerSettings(.adam), seed: 5)
            var losses: [Float] = []
            for version in 0..<3 {
                let report = try learner.update(
                    groups, at: Moment(version: UInt64(version), learningRate: 0.001, progress: Double(version) / 3))
                losses.append(report.loss)
                let isFinite = report.metrics.allSatisfy(\.value.isFinite) && report.gradientNorm.isFinite
                #expect(isFinite, "\(method.name): \(report.metrics)")
            }
            return (learner.weights.flat.withBuffer { Array($0) }, losses)
        }
        let (first, second) = (try run(), try run())
        #expect(first.weights == second.weights && first.losses == second.losses)
        let start = transformer.initialWeights(seed: 4).flat.withBuffer { Array($0) }
        #expect(first.weights != start && first.weights.allSatisfy { $0.isFinite })
    }

    /// What a learner has saved goes on as if nothing had happened.
    @Test(arguments: TokenSlopeTests.cases) func stateGoesOn(_ one: TokenSlopeTests.Case) throws {
        let method = one.method
        var settings = TransformerSettings(vocabulary: 8, layers: 1, width: 8, heads: 2, context: 24)
        settings.hasValueHead = method.hasValue
        let transformer = try Transformer(settings)
        func learner(_ weights: Weights) throws -> TokenLearner {
            try TokenLearner(method, transformer, from: weights, optimizer: OptimizerSettings(.adam), seed: 5)
        }
        func update(_ learner: TokenLearner, _ version: UInt64) throws {
            _ = try learner.update(
                TokenGroups.random(seed: 3 + version, plan: method.plan), at: Moment(version: version, learningRate: 0.01, progress: Double(version) / 4))
        }
        let whole = try learner(transformer.initialWeights(seed: 4))
        for version in 0..<2 { try update(whole, UInt64(version)) }
        let resumed = try learner(whole.weights.copy())
        try resumed.restore(whole.state)
        for version in 2..<4 {
            try update(whole, UInt64(version))
            try update(resumed, UInt64(version))
        }
        #expect(whole.weights.flat.withBuffer { Array($0) } == resumed.weights.flat.withBuffer { Array($0) } && whole.records == resumed.records)
    }
}
