import Learning
import Platform
import Tensors
import Testing

@Suite struct RunningMomentsTests {
    private var dice = Dice(seed: 3)

    private func add(_ moments: inout RunningMoments, _ rows: [Float]) {
        moments.add(Tensor(rows, [rows.count / moments.mean.count, moments.mean.count]))
    }

    /// However the data are split, mean and variance are those of two passes in double precision; far from 0 too.
    @Test(arguments: [Float(0), 1e6]) mutating func equalsTwoPasses(_ center: Float) {
        let (rows, width) = (1000, 3)
        let data = (0..<rows * width).map { center * Float($0 % width) + Float.random(in: -0.5...0.5, using: &dice) }
        let means = (0..<width).map { k in stride(from: k, to: data.count, by: width).reduce(0.0) { $0 + Double(data[$1]) } / Double(rows) }
        let variances = (0..<width).map { k in
            stride(from: k, to: data.count, by: width).reduce(0.0) { $0 + (Double(data[$1]) - means[k]) * (Double(data[$1]) - means[k]) }
                / Double(rows)
        }
        for sizes in [[1000], [1, 999], [1, 1, 998], [500, 500], [0, 7, 0, 493, 500], Array(repeating: 1, count: 1000)] {
            var moments = RunningMoments(width: width)
            #expect(moments.variance(1) == 1)
            var start = 0
            for size in sizes {
                add(&moments, Array(data[start * width..<(start + size) * width]))
                start += size
            }
            #expect(moments.count == 1000)
            for k in 0..<width {
                #expect(abs(moments.mean[k] - means[k]) <= 1e-12 * max(abs(means[k]), 1), "\(sizes.count) batches")
                #expect(abs(moments.variance(k) / variances[k] - 1) < 1e-9, "\(sizes.count) batches, \(moments.variance(k))")
            }
        }
    }

    @Test mutating func aConstantHasNoVariance() {
        for value in [Float(0), 1.1, -3e7] {
            var moments = RunningMoments(width: 1)
            for count in [3, 1, 50] { add(&moments, Array(repeating: value, count: count)) }
            #expect(moments.mean == [Double(value)] && moments.variance(0) == 0)
        }
    }

    @Test mutating func textKeepsEveryBit() throws {
        var moments = RunningMoments(width: 2)
        #expect(RunningMoments(try JSON.parse(moments.json.serialized(), place: "-"), width: 2) == moments)
        add(&moments, (0..<20).map { _ in Float.random(in: -1e-3...1e5, using: &dice) })
        let read = try #require(RunningMoments(try JSON.parse(moments.json.serialized(), place: "-"), width: 2))
        #expect(read == moments)
        // It goes on as if nothing had been.
        var other = read
        add(&other, [1, 2, 3, 4])
        add(&moments, [1, 2, 3, 4])
        #expect(other == moments)
    }

    @Test(arguments: [
        "null", "{}", "[]", #"{"count": 1, "mean": [1], "squares": [1, 2]}"#, #"{"count": 1, "mean": [1, 2], "squares": [1]}"#,
        #"{"count": -1, "mean": [1, 2], "squares": [1, 2]}"#, #"{"count": 1, "mean": [1, 2], "squares": [1, -2]}"#,
        #"{"count": 1, "mean": [1, null], "squares": [1, 2]}"#, #"{"count": 1, "mean": [1, 2, 3], "squares": [1, 2, 3]}"#,
        #"{"count": "1", "mean": [1, 2], "squares": [1, 2]}"#, #"{"mean": [1, 2], "squares": [1, 2]}"#,
    ])
    func damagedTextIsRefused(_ text: String) throws {
        #expect(RunningMoments(try JSON.parse(Array(text.utf8), place: "-"), width: 2) == nil)
    }

    @Test func missingTextIsRefused() { #expect(RunningMoments(nil, width: 2) == nil) }
}

/// A small reproducible generator.
struct Dice: RandomNumberGenerator {
    private var stream: RandomStream
    init(seed: UInt64) { stream = RandomKey(seed: seed, purpose: .learner).stream(slot: 0, episode: 0) }
    mutating func next() -> UInt64 { stream.next() }
}
