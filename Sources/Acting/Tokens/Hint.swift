import Environments
import Rollouts

/// What responses begin with instead of being drawn from their first token on: a share of a demonstration (GHPO, S029).
struct Hint {
    private(set) var tokens: [Int32] = []
    /// `.forced`, and `.environment` for what a tool replies.
    private(set) var roles: [TokenRole] = []

    /// Empty where teachers do not show how the task is solved, and for shares of less than a token. At least one token is left to be drawn,
    /// and replies of tools are whole.
    ///
    /// - Parameter room: the most tokens that a response may have.
    init(_ share: Float, _ task: TokenTask, _ environment: any TokenEnvironment, _ verifier: VerifierDesk, room: Int) throws {
        guard share > 0, let shown = environment.demonstration(task, choice: 0) else { return }
        var count = min(Int(share * Float(shown.count)), shown.count - 1, room - 1)
        guard count > 0 else { return }
        roles = Array(repeating: .forced, count: shown.count)
        var turn = 0
        while let stop = shown[turn..<count].firstIndex(of: environment.vocabulary.stop) {
            guard case .answered(.reply(let reply)) = try verifier.turn(task, shown[...stop]), case let end = stop + 1 + reply.count,
                end < min(shown.count, room), shown[stop + 1..<end].elementsEqual(reply)
            else {
                // The policy ends this turn itself.
                count = stop
                break
            }
            for place in stop + 1..<end { roles[place] = .environment }
            count = max(count, end)
            turn = end
        }
        tokens = Array(shown[..<count])
        roles = Array(roles[..<count])
    }
}
