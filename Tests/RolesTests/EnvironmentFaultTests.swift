import Acting
import Environments
import Learning
import Rollouts
import Runs
import Tensors
import Testing

/// What a broken environment writes, where and when.
private struct Fault: Sendable {
    enum Place: Sendable { case reward, observation, finalObservation, firstObservation }
    var place = Place.reward
    var slot = 3
    var step = 0
    var value = Float.nan
}

/// Two floats, five slots, episodes of seven steps; one number is none.
private struct Faulty: EnvironmentFamily {
    let prefix = "faulty"
    let summary = "breaks"
    let fault: Fault
    var observationSpace = Space.box(shape: [2])

    func resolve(_ name: String, _ settings: EnvironmentSettings) throws -> ResolvedEnvironment {
        ResolvedEnvironment(
            id: settings.id, observationSpace: observationSpace, actionSpace: .discrete(2), maxEpisodeSteps: nil
        ) { [fault, observationSpace] count, _ in FaultySlots(count, observationSpace, fault) }
    }
}

private final class FaultySlots: Slots {
    let count: Int
    let observationSpace: Space
    let actionSpace = Space.discrete(2)
    private let fault: Fault
    private var step = 0

    init(_ count: Int, _ observationSpace: Space, _ fault: Fault) {
        (self.count, self.observationSpace, self.fault) = (count, observationSpace, fault)
    }

    private func write(_ observation: UnsafeMutableRawBufferPointer, bad: Bool) {
        observation.initializeMemory(as: UInt8.self, repeating: 0)
        // The second number of the slot.
        if bad { observation.storeBytes(of: fault.value, toByteOffset: fault.slot * 8 + 4, as: Float.self) }
    }

    func reset(observation: UnsafeMutableRawBufferPointer) { write(observation, bad: fault.place == .firstObservation) }

    func step(_ row: SlotsRow, ended: (EndedEpisode) -> Void) {
        let now = step == fault.step
        write(row.observation, bad: now && fault.place == .observation)
        let ends = step % 7 == 6
        for slot in 0..<count {
            row.reward[slot] = now && fault.place == .reward && slot == fault.slot ? fault.value : 1
            (row.terminated[slot], row.truncated[slot]) = (ends ? 1 : 0, 0)
            guard ends else { continue }
            let bad = now && fault.place == .finalObservation && slot == fault.slot
            [Float(0), bad ? fault.value : 0].withUnsafeBytes {
                ended(EndedEpisode(slot: slot, finalObservation: $0, episodeReturn: 7, length: 7))
            }
        }
        step += 1
    }
}

@Suite struct EnvironmentFaultTests {
    private func sampler(_ family: Faulty) throws -> Sampler {
        let spec = Turns.spec {
            $0.environment.id = "faulty:x"
            ($0.actors.slots, $0.actors.unroll) = (5, 4)
        }
        return try Turns.sampler(spec, catalogue: EnvironmentCatalogue([], families: [family]))
    }

    private func fault(_ edit: (inout Fault) -> Void) throws -> EnvironmentFault {
        var fault = Fault()
        edit(&fault)
        let sampler = try sampler(Faulty(fault: fault))
        let rollouts = fault.step / 4
        for _ in 0..<rollouts { _ = try sampler.collect() }
        let thrown = #expect(throws: EnvironmentFault.self) { _ = try sampler.collect() }
        return try #require(thrown)
    }

    @Test(arguments: [0, 3, 4, 10]) func rewardsAndObservations(step: Int) throws {
        let reward = try fault { ($0.step, $0.value) = (step, .nan) }
        #expect(reward.problem == "the reward is nan")
        #expect(reward.place == "faulty:x, slot 3, step \(step) of this actor")
        let observation = try fault { ($0.place, $0.step, $0.slot, $0.value) = (.observation, step, 4, -.infinity) }
        #expect(observation.problem == "the observation number 1 is -inf")
        #expect(observation.place == "faulty:x, slot 4, step \(step) of this actor")
    }

    /// The last observation of an episode does not stand in the rows: the next episode's first one does.
    @Test func finalObservations() throws {
        let final = try fault { ($0.place, $0.step, $0.value) = (.finalObservation, 13, .infinity) }
        #expect(final.problem == "the final observation number 1 is inf")
        #expect(final.place == "faulty:x, slot 3, step 13 of this actor")
    }

    @Test func firstObservations() throws {
        let error = #expect(throws: EnvironmentFault.self) { _ = try sampler(Faulty(fault: Fault(place: .firstObservation, slot: 0))) }
        #expect(error?.problem == "the first observation number 1 is nan")
        #expect(error?.place == "faulty:x, slot 0, step 0 of this actor")
    }

    /// Bytes are never NaN, whatever they would be as floats.
    @Test func bytesAreLeftAlone() throws {
        let fault = Fault(place: .observation, slot: 0, step: 1)
        let sampler = try sampler(Faulty(fault: fault, observationSpace: .bytes(shape: [8], high: 255)))
        #expect(throws: Never.self) { _ = try sampler.collect() }
    }
}
