import Tensors
import Testing

@Suite struct RandomTests {
    /// The known answers that come with Random123 for philox4x32, 10 rounds.
    @Test func knownAnswers() {
        #expect(philox((0, 0, 0, 0), key: (0, 0)) == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        let ones = UInt32.max
        #expect(philox((ones, ones, ones, ones), key: (ones, ones)) == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            philox((0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: (0xa409_3822, 0x299f_31d0))
                == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    private func uniforms(_ key: RandomKey, step: UInt64, count: Int) -> [Float] {
        var values = [Float](repeating: -1, count: count)
        values.withUnsafeMutableBufferPointer { key.uniforms(step: step, into: $0) }
        return values
    }

    /// The golden values fix the mixing of the key and the layout of the counter: a change would break every recorded run.
    @Test func golden() {
        let key = RandomKey(seed: 7, purpose: .action, actor: 2, incarnation: 1)
        #expect(uniforms(key, step: 0x5_0000_0003, count: 3).map { $0 * 0x1p24 } == [1097045, 9520395, 14679313])
        var stream = key.stream(slot: 3, episode: 9)
        #expect([stream.next(), stream.next(), stream.next()] == [0xef7a54096a1a3dcf, 0x367389898e017fe9, 0xdb484521294fedcf])
    }

    @Test func lanesDoNotDependOnLength() {
        let key = RandomKey(seed: 1, purpose: .action)
        let whole = uniforms(key, step: 11, count: 1000)
        for count in [1, 2, 15, 16, 17, 999] { #expect(uniforms(key, step: 11, count: count) == Array(whole.prefix(count))) }
        #expect(whole.allSatisfy { $0 >= 0 && $0 < 1 })
        #expect(uniforms(key, step: 12, count: 1000) != whole)
        #expect(uniforms(key, step: 0x1_0000_000b, count: 1000) != whole)
    }

    @Test func distinctInputsGiveDistinctStreams() {
        var firsts = Set<UInt64>()
        var count = 0
        for seed in [0, 1, 2, 1 << 32, UInt64.max] {
            for purpose in [RandomPurpose.weights, .action, .environment, .evaluation, .learner, .replay] {
                for actor in [0, 1, 2, 700] as [UInt32] {
                    for incarnation in [0, 1, 2] as [UInt32] {
                        let key = RandomKey(seed: seed, purpose: purpose, actor: actor, incarnation: incarnation)
                        for slot in [0, 1, 31] as [UInt32] {
                            for episode in [0, 1, 1 << 32] as [UInt64] {
                                var stream = key.stream(slot: slot, episode: episode)
                                firsts.insert(stream.next())
                                count += 1
                            }
                        }
                    }
                }
            }
        }
        #expect(firsts.count == count)
    }

    /// 200 thousand numbers; the bounds are five standard errors.
    @Test func moments() {
        var stream = RandomKey(seed: 1, purpose: .environment).stream(slot: 0, episode: 0)
        let count = 200_000
        let root = Double(count).squareRoot()
        let uniform = (0..<count).map { _ in stream.uniform() }
        #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
        #expect(abs(uniform.reduce(0, +) / Double(count) - 0.5) < 5 * 0.2887 / root)
        let normal = (0..<count).map { _ in stream.normal() }
        #expect(abs(normal.reduce(0, +) / Double(count)) < 5 / root)
        #expect(abs(normal.reduce(0) { $0 + $1 * $1 } / Double(count) - 1) < 5 * 1.4143 / root)
        #expect((0..<1000).allSatisfy { _ in (-2.0...3.0).contains(stream.uniform(in: -2...3)) })
        let lanes = uniforms(RandomKey(seed: 1, purpose: .action), step: 0, count: count).map(Double.init)
        #expect(abs(lanes.reduce(0, +) / Double(count) - 0.5) < 5 * 0.2887 / root)
    }
}
