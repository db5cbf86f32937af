import Rollouts
import Testing

@Suite struct WeightTreeTests {
    /// Against plain sums, for sizes around the powers of sixteen.
    @Test func placesLieWhereTheSumsSay() {
        var dice = Dice(state: 9)
        for count in [1, 2, 15, 16, 17, 255, 256, 257, 1000, 4097] {
            var tree = WeightTree(count: count)
            var weights = [Double](repeating: 0, count: count)
            for _ in 0..<3 * count {
                let place = Int.random(in: 0..<count, using: &dice)
                // Whole numbers: sums are exact.
                weights[place] = Double(Int.random(in: 0...3, using: &dice))
                tree.set(place, weights[place])
            }
            weights[count / 2] = 2
            tree.set(count / 2, 2)
            #expect(tree.total == weights.reduce(0, +))
            var sum = 0.0
            for (place, weight) in weights.enumerated() where weight > 0 {
                #expect(tree[place] == weight)
                for position in [sum, sum + weight / 2, (sum + weight).nextDown] { #expect(tree.place(at: position) == place) }
                sum += weight
            }
        }
    }

    /// The sums are a function of the weights, not of what happened before; a place without weight is never met.
    @Test func sumsDoNotDrift() {
        var dice = Dice(state: 2)
        var (worn, fresh) = (WeightTree(count: 500), WeightTree(count: 500))
        for _ in 0..<20_000 { worn.set(.random(in: 0..<500, using: &dice), pow10(.random(in: -12...12, using: &dice))) }
        for place in 0..<500 {
            let weight = place % 3 == 0 ? 0 : pow10(Double(place % 17) - 9)
            worn.set(place, weight)
            fresh.set(place, weight)
        }
        #expect(worn.total == fresh.total)
        for step in 0..<20_000 {
            let position = worn.total * Double(step) / 20_000
            #expect(worn.place(at: position) == fresh.place(at: position) && worn[worn.place(at: position)] > 0)
        }
        #expect(worn[worn.place(at: worn.total.nextDown)] > 0)
        #expect(worn[worn.place(at: worn.total * 2)] > 0)
    }

    private func pow10(_ exponent: Double) -> Double {
        var value = 1.0
        for _ in 0..<Int(abs(exponent)) { value *= exponent < 0 ? 0.1 : 10 }
        return value
    }
}
