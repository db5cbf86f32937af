import Learning
import Networks
import Rollouts
import Testing

/// Responses that are rehearsed: they come back from a checkpoint's file as they were.
@Suite struct StoredResponsesTests {
    private static let groups = (0..<3).map { task in
        ResponseGroup(
            task: UInt32(task), prompt: [1, 2],
            responses: [
                GroupResponse(
                    tokens: [3, 0], logProbs: [-0.5, -0.25], versions: [1, 1], roles: [.policy, .policy], rewards: [1], isCorrect: true,
                    source: .dataset)
            ])
    }

    @Test func theyComeBackFromTheFile() throws {
        let file = try Safetensors.decode(Safetensors.encode(StoredResponses(Self.groups).columns), place: "a file")
        let restored = try StoredResponses(columns: file.columns, version: 7)
        #expect(restored.count == 3 && restored.has(2) && !restored.has(3))
        let drawn = restored.draw(beside: 6, share: 0.25, seed: 1, version: 7)
        #expect(drawn.count == 2 && drawn.allSatisfy { Self.groups.contains($0) })
        #expect(drawn == StoredResponses(Self.groups).draw(beside: 6, share: 0.25, seed: 1, version: 7))
    }

    @Test func nothingStoredIsNothingSaved() throws {
        #expect(StoredResponses().columns.isEmpty)
        #expect(try StoredResponses(columns: [], version: 1).count == 0)
    }

    @Test func aPartThatIsMissingIsNamed() {
        let columns = Array(StoredResponses(Self.groups).columns.dropLast())
        #expect(throws: (any Error).self) { try StoredResponses(columns: columns, version: 1) }
    }
}
