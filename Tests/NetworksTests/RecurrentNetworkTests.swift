import Networks
import TestSupport
import Tensors
import Testing

/// A network with memory: steps taken one at a time are the unroll of all of them.
@Suite struct RecurrentNetworkTests {
    private let steps = 7
    private let slots = 3

    private func network(_ memory: MemoryKind) throws -> ActorCritic {
        var settings = NetworkSettings(hidden: [6])
        (settings.memory, settings.memoryWidth) = (memory, 5)
        return try ActorCritic(observation: .box(shape: [2]), action: .discrete(3), settings)
    }

    @Test(arguments: [MemoryKind.gru, .lstm]) func stepByStepIsTheUnroll(_ memory: MemoryKind) throws {
        let network = try network(memory)
        var dice = Dice(5)
        func random(_ shape: [Int]) -> Tensor {
            Tensor((0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &dice) }, shape)
        }
        let parameters = network.initialWeights(seed: 2).parameters()
        let rows = Observations(random([steps * slots, 2]), network.observationSpace)
        // Slot 0 begins at steps 2 and 3, slot 2 at step 6; slot 1 never.
        let begins = (0..<steps * slots).map { index -> UInt8 in [6, 9, 20].contains(index) ? 1 : 0 }
        var state = random([slots, network.stateCount])
        let whole = network(rows, parameters, unroll: Unroll(state: state, begins: begins))
        #expect(whole.state?.shape == [steps * slots, network.stateCount])

        for t in 0..<steps {
            let now = t * slots..<(t + 1) * slots
            state.withMutableBuffer { buffer in
                for slot in 0..<slots where begins[t * slots + slot] != 0 {
                    for k in 0..<network.stateCount { buffer[slot * network.stateCount + k] = 0 }
                }
            }
            let step = network(rows.rows(now), parameters, unroll: Unroll(state: state))
            expectClose(step.policy.values, whole.policy.rows(now).values, "policy at step \(t)")
            expectClose(step.value.values, whole.value.rows(now).values, "value at step \(t)")
            state = try #require(step.state)
            expectClose(state.values, try #require(whole.state).rows(now).values, "state after step \(t)")
        }
    }

    /// What a slot remembers changes what it does, and no slot knows what another one saw.
    @Test(arguments: [MemoryKind.gru, .lstm]) func slotsRememberOnTheirOwn(_ memory: MemoryKind) throws {
        let network = try network(memory)
        let parameters = network.initialWeights(seed: 2).parameters()
        func policy(first: Float, begins: [UInt8]? = nil) -> [Float] {
            // Two steps of two slots; only what slot 0 sees at step 0 differs.
            let seen = Tensor([first, 0.5, 0.3, 0.1, 0.2, 0.2, 0.4, 0.4], [4, 2])
            let unroll = Unroll(state: Tensor(zeros: [2, network.stateCount]), begins: begins)
            return network(Observations(seen, network.observationSpace), parameters, unroll: unroll).policy.rows(2..<4).values
        }
        let (a, b) = (policy(first: 1), policy(first: -1))
        #expect(a[0..<3] != b[0..<3] && a[3..<6] == b[3..<6])
        #expect(policy(first: 1, begins: [0, 0, 1, 0]) == policy(first: -1, begins: [0, 0, 1, 0]))
    }
}
