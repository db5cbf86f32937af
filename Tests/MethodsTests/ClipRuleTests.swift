import Methods
import Tensors
import Testing

/// The clip rules as tables: loss and coefficient φ of −φ A ∇ log π over a grid of ratios and advantages (B02, B08, S066, S072, S073).
@Suite struct ClipRuleTests {
    let ratios: [Float] = [0.02, 0.3, 0.75, 0.85, 1, 1.15, 1.25, 1.5, 2.9, 3.5, 12]
    let advantages: [Float] = [-2, -0.5, 0, 0.7, 1.5]

    /// What PPO's loss and coefficient are, written out.
    func proximal(_ r: Double, _ a: Double, _ low: Double, _ high: Double, _ c: Double) -> (loss: Double, phi: Double) {
        if a >= 0 { return (-min(r, high) * a, r > high ? 0 : r) }
        if r > c { return (-c * a, 0) }
        return (-max(r, low) * a, r < low ? 0 : r)
    }

    func check(
        _ objective: any Objective, q: Float = 0.25, _ written: (_ r: Double, _ a: Double) -> (loss: Double, phi: Double),
        _ location: SourceLocation = #_sourceLocation
    ) {
        let probe = ObjectiveProbe(ratios: ratios, advantages: advantages, q: q)
        let found = probe(objective)
        for k in 0..<probe.count {
            let (r, a) = (probe.ratio(k), Double(probe.advantage[k]))
            let (loss, phi) = written(r, a)
            #expect(abs(Double(found.loss[k]) - loss) < 1e-5 * max(1, abs(loss)), "loss at r \(r), A \(a)", sourceLocation: location)
            guard a != 0 else { continue }
            #expect(abs(Double(found.coefficient[k]) - phi) < 1e-5 * max(1, phi), "φ at r \(r), A \(a)", sourceLocation: location)
        }
    }

    @Test(arguments: [Float.infinity, 3]) func proximalClip(dualClip: Float) {
        check(ProximalClip(epsilonLow: 0.2, epsilonHigh: 0.28, dualClip: dualClip)) { r, a in
            proximal(r, a, 0.8, 1.28, Double(dualClip))
        }
        // On the policy's own data, the whole gradient of every step.
        let probe = ObjectiveProbe(ratios: [1], advantages: advantages)
        for (phi, advantage) in zip(probe(ProximalClip(dualClip: dualClip)).coefficient, probe.advantage) where advantage != 0 {
            #expect(abs(phi - 1) < 1e-6)
        }
    }

    @Test func logBandClip() {
        check(LogBandClip(epsilon: 0.6)) { r, a in
            let (loss, phi) = proximal(min(max(r, 0.05), 20), a, 0.625, 1.6, .infinity)
            return (loss, r < 0.05 ? 0 : phi)
        }
    }

    @Test func gradientPreservingClip() {
        check(GradientPreservingClip(epsilonLow: 0.2, epsilonHigh: 0.28, dualClip: 10)) { r, a in
            let ppo = proximal(r, a, 0.8, 1.28, 10)
            return (ppo.loss, a >= 0 ? min(r, 1.28) : r > 10 ? 0 : max(r, 0.8))
        }
        // What the paper is about: of the clipped steps, PPO keeps none, this all.
        let probe = ObjectiveProbe(ratio: [0.5, 2], advantage: [-1, 1])
        #expect(probe(ProximalClip()).coefficient == [0, 0])
        let kept = probe(GradientPreservingClip()).coefficient
        #expect(abs(kept[0] - 0.8) < 1e-6 && abs(kept[1] - 1.28) < 1e-6)
    }

    @Test func clippedImportance() {
        check(ClippedImportance(low: 0, high: 5)) { r, a in (-min(r, 5) * a, min(r, 5)) }
        check(ClippedImportance(low: 0.8, high: 1.2)) { r, a in (-min(max(r, 0.8), 1.2) * a, min(max(r, 0.8), 1.2)) }
    }

    @Test func dynamicClip() {
        let clip = DynamicClip()
        // The paper's limits, and |r − 1| π = ε at them.
        let table: [(q: Float, low: Float, high: Float)] = [(0.9, 0.7687, 1.1872), (0.01, 0.5, 5), (1e-6, 0.5, 10)]
        for (q, low, high) in table {
            let limits = clip.limits(q)
            #expect(abs(limits.low - low) < 1e-4 && abs(limits.high - high) < 1e-4)
        }
        let near = clip.limits(0.8)
        #expect(abs((near.high - 1) * near.high * 0.8 - 0.2) < 1e-6 && abs((1 - near.low) * near.low * 0.8 - 0.16) < 1e-6)
        for q: Float in [0.9, 0.25, 0.01] {
            let (low, high) = clip.limits(q)
            check(clip, q: q) { r, a in proximal(r, a, Double(low), Double(high), 10) }
        }
    }

    @Test func balancedClipSearchesItsLimits() {
        let clip = BalancedClip()
        // On-policy and centred, half of the weight is positive: nothing to search for.
        let advantage: [Float] = [1, -1, 2, -0.5, -1.5]
        let onPolicy = clip.limits(ratio: [1, 1, 1, 1, 1], advantage: advantage)
        #expect(onPolicy.low == 0.6 && onPolicy.high == 1.2 && onPolicy.share == 0.5)
        // Positive steps beyond the first limit come in when it grows far enough.
        let grown = clip.limits(ratio: [1.62, 1, 1.58, 1, 1], advantage: advantage)
        #expect(grown.low == 0.6 && abs(grown.high - 1.6) < 1e-5)
        #expect(abs(grown.share - 2 * 1.58 / (2 * 1.58 + 3)) < 1e-5)
        // When that is not enough, negative steps of low ratio go.
        let narrowed = clip.limits(ratio: [1, 0.65, 0.85], advantage: [0.5, -2, -0.4])
        #expect(narrowed.high == 3 && abs(narrowed.low - 0.66) < 1e-5 && abs(narrowed.share - 0.5 / (0.5 + 0.34)) < 1e-5)
        // What cannot be reached ends at the outermost limits; nothing at all ends at once.
        let hopeless = clip.limits(ratio: [1, 1], advantage: [-1, -2])
        #expect(abs(hopeless.low - 0.9) < 1e-6 && hopeless.high == 3 && hopeless.share == 0)
        #expect(clip.limits(ratio: [1, 1], advantage: [0, 0]).high == 1.2)
        // The share never falls while the limits move, measured by the gradient.
        var dice = Dice(state: 3)
        for _ in 0..<50 {
            let ratio = (0..<40).map { _ in Float.random(in: 0.3...3, using: &dice) }
            let advantage = (0..<40).map { _ in Float.random(in: -1...0.5, using: &dice) }
            var last: Float = 0
            for target: Float in [0, 0.2, 0.3, 0.4, 0.6, 0.9] {
                var clip = clip
                clip.share = target
                let share = clip.limits(ratio: ratio, advantage: advantage).share
                #expect(share >= last)
                last = share
            }
        }
        // By the loss's value, raising the lower limit does the opposite.
        var byValue = BalancedClip()
        (byValue.measuresValue, byValue.highTo, byValue.share) = (true, 1.2, 1)
        let raised = byValue.limits(ratio: [1, 0.3], advantage: [1, -1])
        #expect(raised.share < 1 / (1 + 0.6))
    }

    @Test func balancedClipIsProximalWithinItsLimits() {
        let probe = ObjectiveProbe(ratio: [1.62, 1, 1.58, 1, 0.5], advantage: [1, -1, 2, -0.5, -1.5])
        let clip = BalancedClip()
        let limits = clip.limits(ratio: (0..<5).map { Float(probe.ratio($0)) }, advantage: probe.advantage)
        let plain = probe(ProximalClip(epsilonLow: 1 - limits.low, epsilonHigh: limits.high - 1, dualClip: 3))
        #expect(probe(clip) == plain)
    }

    @Test func clippedStepsAreCounted() {
        let probe = ObjectiveProbe(ratio: [0.5, 0.9, 1, 1.25, 6], advantage: [1, 1, 1, 1, 1])
        func clipped(_ objective: any Objective) -> [Float]? { objective.clipped(probe.step(Tensor(probe.logProb, [5])))?.values }
        #expect(clipped(ProximalClip()) == [1, 0, 0, 1, 1])
        #expect(clipped(GradientPreservingClip()) == [1, 0, 0, 0, 1])
        #expect(clipped(ClippedImportance()) == [0, 0, 0, 0, 1])
        #expect(clipped(LogBandClip(epsilon: 0.3)) == [1, 0, 0, 0, 1])
        #expect(clipped(DynamicClip()) == [0, 0, 0, 0, 1])
        #expect(clipped(PolicyGradient()) == nil)
    }

    /// A value that has moved further than its clip gets no gradient towards the target, and the whole of it back.
    @Test func valueClip() {
        let (old, clip): (Float, Float) = (1, 0.2)
        let values: [Float] = [0.5, 0.9, 1.1, 1.5, 1.5, 0.5]
        let targets: [Float] = [3, 3, 3, 3, -3, -3]
        let (tape, gradient) = (Tape(), Tensor(zeros: [6]))
        let value = tape.watch(Tensor(values, [6]), accumulatingInto: gradient)
        let zeros = Tensor(zeros: [6])
        let step = PolicyStep(
            logProb: zeros, entropy: zeros, value: value, advantage: zeros, valueTarget: Tensor(targets, [6]), behaviourLogProb: zeros,
            oldValue: Tensor([Float](repeating: old, count: 6), [6]))
        let loss = ValueError(1, clip: clip).loss(step)
        tape.backward(sum(loss))
        for k in 0..<6 {
            let near = min(max(values[k], old - clip), old + clip)
            let (plain, limited) = ((targets[k] - values[k]) * (targets[k] - values[k]), (targets[k] - near) * (targets[k] - near))
            #expect(abs(loss.values[k] - max(plain, limited) / 2) < 1e-5)
        }
        // Beyond the clip and moving away from it: 0. Inside, or on the way back: V − target.
        let expected: [Float] = [-2.5, -2.1, -1.9, 0, 4.5, 0]
        #expect(deviation(gradient.values, expected) < 1e-5)
    }
}
