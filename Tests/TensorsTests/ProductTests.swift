import CKernels
import Tensors
import Testing

/// The kernels of matrix products against the definition: every kind of product, sizes that fill tiles, panels and blocks and that do not.
@Suite struct ProductTests {
    struct Kind: Sendable {
        var aTransposed = false
        var bTransposed = false
        var adds = false
        var bias = false
        var rectifies = false
        var packed = false
        var threads: Int32 = 1
    }

    private static let kinds = [
        Kind(), Kind(bTransposed: true), Kind(aTransposed: true), Kind(adds: true), Kind(bTransposed: true, bias: true, rectifies: true),
        Kind(aTransposed: true, adds: true), Kind(packed: true), Kind(bTransposed: true, adds: true, packed: true),
        Kind(bTransposed: true, bias: true, threads: 2), Kind(aTransposed: true, threads: 3), Kind(packed: true, threads: 2),
        Kind(bTransposed: true, adds: true, bias: true, threads: 2),
    ]

    /// Rows, columns, depth.
    private static let sizes = [
        (1, 1, 1), (3, 5, 2), (12, 32, 16), (13, 33, 17), (37, 6, 20), (70, 2, 9), (6, 70, 31), (25, 130, 40), (64, 64, 64), (250, 48, 3),
        (11, 64, 900), (29, 70, 385), (14, 80, 512), (1030, 40, 5),
    ]

    private func random(_ count: Int, _ seed: UInt64) -> [Float] {
        var stream = RandomKey(seed: seed, purpose: .learner).stream(slot: 0, episode: 0)
        return (0..<count).map { _ in Float(stream.uniform(in: -1...1)) }
    }

    private func expected(
        _ m: Int, _ n: Int, _ k: Int, _ a: [Float], _ b: [Float], _ bias: [Float], _ start: Float, _ kind: Kind
    ) -> [Float] {
        var c = [Float]()
        c.reserveCapacity(m * n)
        for row in 0..<m {
            for column in 0..<n {
                var total = kind.bias ? Double(bias[column]) : 0
                for d in 0..<k {
                    let left = a[kind.aTransposed ? d * m + row : row * k + d]
                    let right = b[kind.bTransposed ? column * k + d : d * n + column]
                    total += Double(left) * Double(right)
                }
                if kind.adds { total += Double(start) }
                c.append(Float(kind.rectifies ? max(total, 0) : total))
            }
        }
        return c
    }

    @Test(arguments: kinds) func byDefinition(_ kind: Kind) {
        for (m, n, k) in Self.sizes {
            let (a, b, bias) = (random(m * k, 1), random(k * n, 2), random(n, 3))
            // What stands there before must not matter unless it is added to; what lies behind must stay.
            var c = [Float](repeating: kind.adds ? 0.5 : .nan, count: m * n) + [7]
            let packed = Tensor(zeros: [k * ((n + 15) / 16 * 16)])
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    bias.withUnsafeBufferPointer { bias in
                        c.withUnsafeMutableBufferPointer { c in
                            var order = ApusProduct()
                            (order.rows, order.columns, order.depth) = (m, n, k)
                            (order.a, order.b, order.c) = (a.baseAddress, b.baseAddress, c.baseAddress)
                            order.a_transposed = kind.aTransposed ? 1 : 0
                            order.b_transposed = kind.bTransposed ? 1 : 0
                            order.adds = kind.adds ? 1 : 0
                            order.rectifies = kind.rectifies ? 1 : 0
                            order.threads = kind.threads
                            if kind.bias { order.bias = bias.baseAddress }
                            if kind.packed {
                                packed.withMutableBuffer { apus_product_pack(&order, $0.baseAddress) }
                                packed.withBuffer { order.packed = $0.baseAddress }
                            }
                            let workspace = Tensor(zeros: [apus_product_workspace(&order)])
                            workspace.withMutableBuffer { apus_product(&order, $0.baseAddress) }
                            withExtendedLifetime(packed) {}
                        }
                    }
                }
            }
            #expect(c.last == 7)
            expectClose(Array(c.dropLast()), expected(m, n, k, a, b, bias, 0.5, kind), within: 2e-6, "\(m)×\(n)×\(k), \(kind)")
        }
    }

    /// Parts run once each, whatever the number of threads, and calls may come from several threads at a time.
    @Test func partsRunOnce() async {
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var counts = [Int32](repeating: 0, count: 8)
                    for _ in 0..<500 {
                        counts.withUnsafeMutableBufferPointer {
                            let count: @convention(c) (UnsafeMutableRawPointer?, Int32, Int32) -> Void = { context, part, _ in
                                context!.assumingMemoryBound(to: Int32.self)[Int(part)] += 1
                            }
                            apus_parallel(8, count, $0.baseAddress)
                        }
                    }
                    return counts == [Int32](repeating: 500, count: 8)
                }
            }
            for await right in group { #expect(right) }
        }
    }
}
