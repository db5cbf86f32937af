import Platform
import Tensors
import Testing

@Suite struct TapeTests {
    @Test func accumulatesAcrossPasses() {
        let x = Tensor([2, 3], [2])
        let gradient = Tensor([10, 20], [2])
        let tape = Tape()
        let watched = tape.watch(x, accumulatingInto: gradient)
        tape.backward(sum(square(watched)))
        #expect(gradient.values == [14, 26])
        tape.backward(sum(watched * 3))
        #expect(gradient.values == [17, 29])
    }

    @Test func detachedIsConstant() {
        let gradient = Tensor(zeros: [2])
        let tape = Tape()
        let x = tape.watch(Tensor([2, 3], [2]), accumulatingInto: gradient)
        #expect(x.isTracked && !x.detached.isTracked)
        tape.backward(sum(x * square(x).detached))
        #expect(gradient.values == [4, 9])
    }

    @Test func untrackedOperationsRecordNothing() {
        let a = Tensor([1, 2], [2])
        #expect(!(exp(a) * a + 1).isTracked)
    }

    /// A parameter that is used by several branches gets every share, and inputs that are not watched get none.
    @Test func sharedSubexpressions() {
        let gradient = Tensor(zeros: [1])
        let tape = Tape()
        let x = tape.watch(Tensor([0.5], [1]), accumulatingInto: gradient)
        let y = x * x
        tape.backward(sum(y * y + y + exp(y).detached * x))  // 4x³ + 2x + exp(x²)
        #expect(abs(gradient.values[0] - (0.5 + 1 + 1.2840254)) < 1e-6)
    }

    @Test func tapeMayGoFirst() {
        func tracked() -> Tensor { Tape().watch(Tensor([1, 2], [2]), accumulatingInto: Tensor(zeros: [2])) }
        let x = tracked()
        #expect(sum(x * x).scalar == 5)
    }

    /// Released without a backward pass, and walked, on a thread with little stack.
    @Test func longChainsNeedNoStack() {
        let result = Guarded(Float(0))
        WorkThread("chain", stackMegabytes: 1) {
            func chain(_ x: Tensor) -> Tensor { (0..<100_000).reduce(x) { y, _ in y + 1 } }
            let gradient = Tensor(zeros: [1])
            let tape = Tape()
            let x = tape.watch(Tensor([0], [1]), accumulatingInto: gradient)
            _ = chain(x)
            tape.backward(sum(chain(x)))
            result.update { $0 = gradient.values[0] }
        }.join()
        #expect(result.read { $0 } == 1)
    }

    /// Tensors of equal sizes get the memory of those released before, also across threads.
    @Test func memoryComesBack() {
        func address() -> UInt { Tensor(zeros: [12_345]).withBuffer { UInt(bitPattern: $0.baseAddress) } }
        let first = address()
        #expect(first % 64 == 0)
        #expect((0..<10).allSatisfy { _ in address() == first })
    }

    @Test func viewsShareValues() {
        let x = Tensor((0..<12).map(Float.init), [4, 3])
        #expect(x.rows(1..<3).values == [3, 4, 5, 6, 7, 8])
        #expect(x.rows(1..<3).shape == [2, 3])
        #expect(x.rows(4..<4).count == 0)
        x.reshaped([12]).withMutableBuffer { $0[3] = -1 }
        #expect(x.rows(1..<2).values == [-1, 4, 5])
        #expect(Tensor(3).scalar == 3 && Tensor(3).shape == [])
    }

    @Test func shapeMistakesEndTheProgram() async {
        await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 3]) + Tensor(zeros: [3, 2]) }
        await #expect(processExitsWith: .failure) { _ = matmul(Tensor(zeros: [2, 3]), Tensor(zeros: [2, 3])) }
        await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 3]).reshaped([7]) }
        await #expect(processExitsWith: .failure) { _ = gather(Tensor(zeros: [1, 3]), [3]) }
    }
}
