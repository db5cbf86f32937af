import Tensors

/// MinAtar's Freeway: cross a road with eight lanes of cars that move every one to five steps. Reaching the other side is worth 1 and gives
/// the cars new speeds; a car that hits the player sends them back. The player moves every third step at most. The episode ends after 2500
/// steps.
///
/// Planes: player, cars, then five for where a car was, by its speed. Actions: none, up, down. Difficulty does not ramp. Random: speeds and
/// directions, and sticky actions.
public struct Freeway: MinAtarGame {
    public static let id = "MinAtar/Freeway"
    public static let summary = "cross a road with eight lanes on 10 × 10 cells; Gymnasium's MinAtar/Freeway-v1; 7 planes, 3 actions"
    public static let actionSpace = Space.discrete(3)
    public static let planes = 7

    /// Steps between two moves of the player.
    private static let playerInterval = 3
    private static let episodeSteps = 2500
    /// The player's column.
    private static let x: Int8 = 4

    public var play = MinAtarPlay()
    private var y = 9
    private var moveTimer = playerInterval
    private var stepsLeft = episodeSteps
    /// The car in row k + 1: its column, the steps until it moves, the steps between moves, and its direction, 1 or −1.
    private var column = InlineArray<8, Int8>(repeating: 0)
    private var timer = InlineArray<8, Int8>(repeating: 0)
    private var interval = InlineArray<8, Int8>(repeating: 0)
    private var direction = InlineArray<8, Int8>(repeating: 0)

    public init() {}

    @inline(__always)
    public static func action(_ index: Int32) -> MinAtarAction {
        switch index {
        case 1: .up
        case 2: .down
        default: .none
        }
    }

    public mutating func start(_ draws: inout some MinAtarDraws) {
        column = InlineArray(repeating: 0)
        drawSpeeds(&draws)
        y = 9
        moveTimer = Self.playerInterval
        stepsLeft = Self.episodeSteps
    }

    @inline(__always)
    public mutating func act(_ action: MinAtarAction, _ draws: inout some MinAtarDraws) -> Step {
        if moveTimer == 0 && (action == .up || action == .down) {
            moveTimer = Self.playerInterval
            y = action == .up ? max(0, y &- 1) : min(9, y &+ 1)
        }
        var step = Step(reward: 0, terminated: false)
        if y == 0 {
            step.reward = 1
            drawSpeeds(&draws)
            y = 9
        }
        // Only the car in the player's row can hit the player, before or after it moves; row 9 has none.
        let row = y &- 1
        if row < 8 && column[unchecked: row] == Self.x { y = 9 }
        moveCars()
        if row < 8 && column[unchecked: row] == Self.x { y = 9 }

        if moveTimer > 0 { moveTimer &-= 1 }
        stepsLeft &-= 1
        step.terminated = stepsLeft < 0
        return step
    }

    public mutating func write(to board: MinAtarBoard) {
        board.set(0, x: Int(Self.x), y: y)
        for row in 0..<8 {
            let x = Int(column[unchecked: row])
            board.set(1, x: x, y: row &+ 1)
            var behind = x &- Int(direction[unchecked: row])
            if behind < 0 { behind = 9 } else if behind > 9 { behind = 0 }
            board.set(1 &+ Int(interval[unchecked: row]), x: behind, y: row &+ 1)
        }
    }

    /// Cars leave on one side and come back on the other.
    @inline(__always)
    private mutating func moveCars() {
        for row in 0..<8 {
            // Without a branch: nothing could foresee which cars move.
            let wait = timer[unchecked: row]
            let moves = wait == 0
            timer[unchecked: row] = moves ? interval[unchecked: row] : wait &- 1
            let x = column[unchecked: row] &+ (moves ? direction[unchecked: row] : 0)
            column[unchecked: row] = x < 0 ? 9 : x > 9 ? 0 : x
        }
    }

    /// New speeds and directions for all cars, where they are.
    private mutating func drawSpeeds(_ draws: inout some MinAtarDraws) {
        for row in 0..<8 { interval[unchecked: row] = Int8(truncatingIfNeeded: 1 &+ draws.integer(below: 5)) }
        for row in 0..<8 { direction[unchecked: row] = draws.uniform() < 1 / 2 ? -1 : 1 }
        timer = interval
    }
}
