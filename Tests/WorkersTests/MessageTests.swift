import Environments
import Platform
import Tensors
import TestSupport
import Testing
import Wire
import Workers

@Suite struct MessageTests {
    private static let spaces: [Space] = [
        .discrete(1), .discrete(18), .multiDiscrete([3, 1, 1000]), .box(shape: [3], low: [-.infinity, 0, -1], high: [.infinity, 0, 1]),
        .box(shape: [2, 3], low: -1, high: 1), .bytes(shape: [4, 84, 84], high: 255), .bytes(shape: [10], high: 1),
    ]
    private static func isObservation(_ space: Space) -> Bool { space.elementType != .int32 }
    private static func isAction(_ space: Space) -> Bool { space.elementType != .uint8 }

    private static let share = Share(
        memory: 3, workerBell: 4, apusBell: 5, size: 1 << 40, actions: 256, observations: 320, rewards: 384, terminated: 448,
        truncated: 512, finalObservations: 1 << 39)

    static let fromApus: [FromApus] = [
        .reset, .step, .close, .share(share), .open(Open(environment: "", seeds: [])),
        .open(Open(environment: "a:b/c", seeds: [0, 1, .max], options: ["stack": 4, "x": -.infinity], maxEpisodeSteps: 27_000)),
    ]
    static let fromWorker: [FromWorker] =
        [
            .observations, .stepped, .shared,
            .hello(Hello(name: "", libraries: [], sharesMemory: true)), .hello(Hello(name: "näme", libraries: ["a 1", "b 2"])),
            .failure(Failure(.error, problem: "p")), .failure(Failure(.refused, problem: "p", remedy: "r", slots: [0, 7])),
        ]
        + spaces.filter(isObservation).flatMap { observation in
            spaces.filter(isAction).map { .opened(Opened(observationSpace: observation, actionSpace: $0)) }
        }
        + [.opened(Opened(observationSpace: spaces[5], actionSpace: spaces[0], maxEpisodeSteps: 7, solvedReturn: -110, notes: "n"))]

    private func shared(_ bytes: [UInt8]) -> SharedBytes { bytes.withUnsafeBytes { SharedBytes(copying: $0) } }

    @Test func messagesComeBackAsTheyWent() throws {
        for message in Self.fromApus { #expect(try FromApus(decoding: shared(message.encoded())) == message) }
        for message in Self.fromWorker { #expect(try FromWorker(decoding: shared(message.encoded())) == message) }
    }

    /// Against bytes written by hand from the contract.
    @Test func bytesAreThoseOfTheContract() throws {
        #expect(FromApus.step.encoded() == [0x1a, 0])
        #expect(FromWorker.stepped.encoded() == [0x22, 0])
        #expect(
            FromApus.open(Open(environment: "ab", seeds: [258], options: ["o": 1], maxEpisodeSteps: 300)).encoded() == [
                0x0a, 0x23, 0x08, 1, 0x12, 2, 0x61, 0x62, 0x18, 1, 0x22, 8, 2, 1, 0, 0, 0, 0, 0, 0, 0x2a, 0x0c, 0x0a, 1, 0x6f, 0x11,
                0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x30, 0xac, 0x02,
            ])
        #expect(
            FromWorker.failure(Failure(.refused, problem: "p", remedy: "r", slots: [3])).encoded() == [
                0x2a, 0x0b, 0x08, 1, 0x12, 1, 0x70, 0x1a, 1, 0x72, 0x22, 1, 3,
            ])
    }

    /// Bounds that are all the same travel as one number.
    @Test func equalBoundsAreShort() throws {
        let wide = FromWorker.opened(Opened(observationSpace: .box(shape: [210, 160, 3], low: 0, high: 255), actionSpace: .discrete(2)))
        #expect(wide.encoded().count < 100)
        #expect(try FromWorker(decoding: shared(wide.encoded())) == wide)
    }

    @Test(arguments: [
        (Space.box(shape: [2], low: [0, .nan], high: [1, 1]), "Box.low is nan at element 1"),
        (.box(shape: [2], low: [0, 2], high: [1, 1]), "Box.low is 2.0 at element 1"),
        (.box(shape: [2], low: [0, 0, 0], high: [1, 1, 2]), "Box.high is 12 bytes"),
        (.box(shape: [], low: [], high: []), "Box.shape is 0 extents"),
        (.box(shape: [2, 0], low: [0], high: [1]), "Box.shape is [2, 0]"),
        (.bytes(shape: [1 << 20, 1 << 20, 1 << 20], high: 255), "Bytes.shape is"), (.bytes(shape: [2], high: 0), "Bytes.high is 0"),
        (.discrete(3), "Opened.observation_space is Discrete"),
    ])
    func wrongObservationSpacesAreRefused(_ space: Space, says: String) throws {
        let message = FromWorker.opened(Opened(observationSpace: space, actionSpace: .discrete(2)))
        let error = #expect(throws: WireError.self) { try FromWorker(decoding: shared(message.encoded())) }
        #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        (Space.discrete(0), "Discrete.count is 0"), (.multiDiscrete([]), "MultiDiscrete.counts is 0 counts"),
        (.multiDiscrete([2, 0]), "MultiDiscrete.counts is 0"), (.bytes(shape: [1], high: 1), "Opened.action_space is Bytes"),
        (.discrete(1 << 25), "Discrete.count is 33554432"),
    ])
    func wrongActionSpacesAreRefused(_ space: Space, says: String) throws {
        let message = FromWorker.opened(Opened(observationSpace: .bytes(shape: [1], high: 1), actionSpace: space))
        let error = #expect(throws: WireError.self) { try FromWorker(decoding: shared(message.encoded())) }
        #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    }

    /// Broken bytes are refused or are another message; they never cost more than that.
    @Test(arguments: 0..<UInt64(4)) func brokenBytes(lane: UInt64) {
        var dice = Dice(lane)
        var accepted = 0
        for index in 0..<10_000 {
            var bytes = Self.fromWorker[index % Self.fromWorker.count].encoded()
            mutate(&bytes, &dice)
            guard let message = try? FromWorker(decoding: shared(bytes)) else { continue }
            accepted += 1
            #expect((try? FromWorker(decoding: shared(message.encoded()))) == message)
        }
        #expect(accepted > 100 && accepted < 10_000)
    }
}
