import Methods
import Testing

@Suite struct CatalogueTests {
    @Test func defaultsAreThePapers() throws {
        let entry = try MethodCatalogue.current.method(id: "vtrace")
        #expect(entry.paper.contains("1802.01561") && entry.staleness == .onPolicy(maxLag: 32) && !entry.summary.isEmpty)
        let method = try #require(entry.defaults as? Method)
        let credit = try #require(method.credit as? VTrace)
        #expect(credit.rhoBar == 1 && credit.cBar == 1 && credit.policyRhoBar == 1 && credit.lambda == 1)
        #expect(method.discount == 0.99 && !method.normalizesAdvantages && method.aggregate == .stepMean)
        #expect(method.regularizers.map(\.coefficient) == [0.01, 0.5])
        // The catalogue's defaults and the recipe's are the same.
        let recipe = Method.vtrace()
        #expect(recipe.discount == method.discount && recipe.regularizers.map(\.coefficient) == method.regularizers.map(\.coefficient))
        #expect(recipe.normalizesAdvantages == method.normalizesAdvantages)
        for option in entry.options { #expect(option.range.contains(option.defaultValue) && !option.documentation.isEmpty) }
        #expect(Set(MethodCatalogue.current.methods.map(\.id)).count == MethodCatalogue.current.methods.count)
    }

    @Test func everyOptionReachesItsPlace() throws {
        let options: [String: Double] = [
            "discount": 0.9, "lambda": 0.8, "rho_bar": 2, "c_bar": 3, "rho_pg_bar": .infinity, "entropy": 0.5, "value": 0.25,
            "normalize_advantages": 1,
        ]
        #expect(Set(options.keys) == Set(try MethodCatalogue.current.method(id: "vtrace").options.map(\.name)))
        let method = try #require(MethodCatalogue.current.make(id: "vtrace", options: options) as? Method)
        let credit = try #require(method.credit as? VTrace)
        #expect(method.discount == 0.9 && credit.lambda == 0.8)
        #expect(credit.rhoBar == 2 && credit.cBar == 3 && credit.policyRhoBar == .infinity)
        #expect(method.regularizers.map(\.coefficient) == [0.5, 0.25] && method.normalizesAdvantages)
    }

    @Test func mistakesAreNamed() {
        func error(_ id: String, _ options: [String: Double] = [:]) -> MethodError? {
            do {
                _ = try MethodCatalogue.current.make(id: id, options: options)
                return nil
            } catch { return error }
        }
        #expect(error("vtrase")?.remedy.contains("Did you mean \"vtrace\"?") == true)
        #expect(error("vtrace", ["rho_bra": 1])?.remedy.contains("Did you mean \"rho_bar\"?") == true)
        #expect(error("vtrace", ["rho_bra": 1])?.problem.contains("rho_bra") == true)
        let refused: [(String, Double)] = [
            ("discount", 1.5), ("discount", -0.1), ("discount", .nan), ("entropy", -1), ("normalize_advantages", 0.5), ("value", .infinity),
        ]
        for (name, value) in refused {
            let found = error("vtrace", [name: value])
            #expect(found?.place == "method.options.\(name)" && found?.problem.contains("\(value)") == true)
        }
        #expect(error("vtrace", ["discount": 1, "lambda": 0]) == nil)
    }
}
