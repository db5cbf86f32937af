import Networks
import Tensors
import Testing

@Suite struct CategoricalTests {
    private func sample(_ logits: Tensor, _ uniforms: [Float]) -> (actions: [Int32], logProbs: [Float]) {
        var actions = [Int32](repeating: -1, count: uniforms.count)
        var logProbs = [Float](repeating: 1, count: uniforms.count)
        actions.withUnsafeMutableBufferPointer { actions in
            logProbs.withUnsafeMutableBufferPointer { Categorical(logits: logits).sample(uniforms: uniforms, actions: actions, logProbs: $0) }
        }
        return (actions, logProbs)
    }

    /// Uniforms on a grid cut each distribution exactly: every action is drawn as often as it is probable, up to one cell at each border.
    @Test(arguments: [1, 2, 3, 5, 6, 16, 17, 64, 65, 200]) func frequenciesAndLogProbs(columns: Int) {
        let count = 4099
        let row = (0..<columns).map { Float(($0 * 7) % 5) * 0.6 - 1 }
        let logits = Tensor(Array(repeating: row, count: count).flatMap { $0 }, [count, columns])
        let expected = logSoftmax(Tensor(row, [columns])).values
        let (actions, logProbs) = sample(logits, (0..<count).map { (Float($0) + 0.5) / Float(count) })
        #expect(actions == actions.sorted())
        for action in 0..<columns {
            let share = Double(actions.count { $0 == action }) / Double(count)
            #expect(abs(share - exp(Tensor(expected[action])).values.map(Double.init)[0]) <= 2 / Double(count))
        }
        for (action, logProb) in zip(actions, logProbs) { #expect(abs(logProb - expected[Int(action)]) < 1e-5) }
    }

    @Test(arguments: [4, 16, 70]) func impossibleActionsAreNeverDrawn(columns: Int) {
        let row = (0..<columns).map { $0 % 3 == 1 ? Float($0) * 0.01 : -.infinity }
        let uniforms: [Float] = [0, 0x1p-24, 0.25, 0.5, 0.75, 1 - 0x1p-24] + (0..<200).map { Float($0) / 200 }
        let logits = Tensor(Array(repeating: row, count: uniforms.count).flatMap { $0 }, [uniforms.count, columns])
        let (actions, logProbs) = sample(logits, uniforms)
        #expect(actions.allSatisfy { $0 % 3 == 1 })
        #expect(logProbs.allSatisfy { $0.isFinite })
        #expect(Categorical(logits: logits).entropy.values.allSatisfy { $0.isFinite && $0 >= 0 })
    }

    @Test func notANumberStaysInside() {
        for columns in [2, 5, 30] {
            let (actions, logProbs) = sample(Tensor(Array(repeating: .nan, count: columns * 3), [3, columns]), [0, 0.5, 0.999])
            #expect(actions.allSatisfy { $0 >= 0 && $0 < columns } && logProbs.allSatisfy { $0.isNaN })
        }
    }

    @Test func modeIsTheFirstOfEquals() {
        #expect(Categorical(logits: Tensor([1, 3, 3, 0, -1, -2], [2, 3])).mode() == [1, 0])
    }

    @Test func uniformEntropy() {
        #expect(abs(Categorical(logits: Tensor(zeros: [1, 8])).entropy.scalar - 2.0794415) < 1e-6)
    }
}
