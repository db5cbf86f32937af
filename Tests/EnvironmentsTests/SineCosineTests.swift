import Environments
import Glibc
import Testing

@Suite struct SineCosineTests {
    /// Units in the last place between two numbers.
    private func ulps(_ a: Double, _ b: Double) -> Double { abs(a - b) / max(b.ulp, .leastNormalMagnitude) }

    @Test func equalsTheCLibrary() {
        var largest = 0.0
        for k in -200_000...200_000 {
            let x = Double(k) * 0.001_234_567 + 1e-9 * Double(k % 97)
            let (sine, cosine) = sineCosineAnywhere(x)
            largest = max(largest, ulps(sine, sin(x)), ulps(cosine, cos(x)))
        }
        #expect(largest <= 1)
    }

    @Test func atMultiplesOfAQuarterTurnAndBeyond() {
        for k in -1000...1000 {
            for x in [Double(k) * .pi / 2, (Double(k) * .pi / 2).nextUp, Double(k) * .pi / 4, Double(k) * 1e4, Double(k) * 1e300] {
                let (sine, cosine) = sineCosineAnywhere(x)
                #expect(ulps(sine, sin(x)) <= 1 && ulps(cosine, cos(x)) <= 1, "\(x)")
            }
        }
        #expect(sineCosineAnywhere(.nan).sine.isNaN && sineCosineAnywhere(.infinity).cosine.isNaN)
        #expect(sineCosineAnywhere(-0.0).sine.sign == .minus && sineCosineAnywhere(0).cosine == 1)
    }
}
