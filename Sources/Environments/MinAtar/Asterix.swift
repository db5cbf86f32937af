import Tensors

/// MinAtar's Asterix: walk about, pick up gold, each piece worth 1, and keep away from enemies; both cross the board along eight rows. The
/// episode ends when an enemy and the player meet. With ramping, everything comes and moves more and more often.
///
/// Planes: player, enemies, where something was a move ago, gold. Actions: none, left, up, right, down. Random: what appears, on which side
/// and in which row, and sticky actions.
public struct Asterix: MinAtarGame {
    public static let id = "MinAtar/Asterix"
    public static let summary = "pick up gold among enemies on 10 × 10 cells; Gymnasium's MinAtar/Asterix-v1; 4 planes, 5 actions"
    public static let actionSpace = Space.discrete(5)
    public static let planes = 4

    private static let rampInterval = 100
    private static let firstSpawnInterval = 10
    private static let firstMoveInterval = 5

    public var play = MinAtarPlay()
    private var player = (x: 5, y: 5)
    /// Row k + 1 of the board holds at most one thing, in column `column[k]`, if bit k of `filled` is set.
    private var column = InlineArray<8, Int8>(repeating: 0)
    private var filled: UInt8 = 0
    private var movesRight: UInt8 = 0
    private var isGold: UInt8 = 0
    private var spawnInterval = firstSpawnInterval
    private var spawnTimer = firstSpawnInterval
    private var moveInterval = firstMoveInterval
    private var moveTimer = firstMoveInterval
    private var rampTimer = rampInterval
    private var ramps = 0

    public init() {}

    @inline(__always)
    public static func action(_ index: Int32) -> MinAtarAction {
        0..<5 ~= index ? MinAtarAction(rawValue: UInt8(truncatingIfNeeded: index))! : .none
    }

    public mutating func start(_ draws: inout some MinAtarDraws) {
        player = (5, 5)
        (filled, movesRight, isGold) = (0, 0, 0)
        spawnInterval = Self.firstSpawnInterval
        spawnTimer = spawnInterval
        moveInterval = Self.firstMoveInterval
        moveTimer = moveInterval
        rampTimer = Self.rampInterval
        ramps = 0
    }

    @inline(__always)
    public mutating func act(_ action: MinAtarAction, _ draws: inout some MinAtarDraws) -> Step {
        if spawnTimer == 0 {
            spawn(&draws)
            spawnTimer = spawnInterval
        }
        switch action {
        case .left: player.x = max(0, player.x &- 1)
        case .right: player.x = min(9, player.x &+ 1)
        case .up: player.y = max(1, player.y &- 1)
        case .down: player.y = min(8, player.y &+ 1)
        case .none, .fire: break
        }

        var step = Step(reward: 0, terminated: false)
        meet(&step)
        if moveTimer == 0 {
            moveTimer = moveInterval
            moveAll()
            meet(&step)
        }
        spawnTimer &-= 1
        moveTimer &-= 1
        if play.ramping { ramp() }
        return step
    }

    public mutating func write(to board: MinAtarBoard) {
        board.set(0, x: player.x, y: player.y)
        var rest = filled
        while rest != 0 {
            let row = rest.trailingZeroBitCount
            rest &= rest &- 1
            let x = Int(column[unchecked: row])
            let bit = UInt8(1) &<< UInt8(truncatingIfNeeded: row)
            board.set(isGold & bit != 0 ? 3 : 1, x: x, y: row &+ 1)
            let behind = movesRight & bit != 0 ? x &- 1 : x &+ 1
            if 0...9 ~= behind { board.set(2, x: behind, y: row &+ 1) }
        }
    }

    /// Only what is in the player's row can meet the player.
    @inline(__always)
    private mutating func meet(_ step: inout Step) {
        let row = player.y &- 1
        let bit = UInt8(1) &<< UInt8(truncatingIfNeeded: row)
        guard filled & bit != 0, Int(column[unchecked: row]) == player.x else { return }
        if isGold & bit != 0 {
            filled &= ~bit
            step.reward += 1
        } else {
            step.terminated = true
        }
    }

    private mutating func moveAll() {
        for row in 0..<8 {
            let bit = UInt8(1) &<< UInt8(truncatingIfNeeded: row)
            column[unchecked: row] &+= movesRight & bit != 0 ? 1 : -1
            if !(0...9 ~= column[unchecked: row]) { filled &= ~bit }
        }
    }

    /// Something new in one of the rows that hold nothing; nothing if there is none.
    private mutating func spawn(_ draws: inout some MinAtarDraws) {
        let right = draws.uniform() < 1 / 2
        let gold = draws.uniform() < 1 / 3
        var free = ~filled
        guard free != 0 else { return }
        for _ in 0..<draws.integer(below: free.nonzeroBitCount) { free &= free &- 1 }
        let row = free.trailingZeroBitCount
        let bit = UInt8(1) &<< UInt8(truncatingIfNeeded: row)
        column[unchecked: row] = right ? 0 : 9
        filled |= bit
        movesRight = right ? movesRight | bit : movesRight & ~bit
        isGold = gold ? isGold | bit : isGold & ~bit
    }

    @inline(__always)
    private mutating func ramp() {
        guard spawnInterval > 1 || moveInterval > 1 else { return }
        if rampTimer >= 0 {
            rampTimer &-= 1
            return
        }
        if moveInterval > 1 && ramps % 2 == 1 { moveInterval &-= 1 }
        if spawnInterval > 1 { spawnInterval &-= 1 }
        ramps &+= 1
        rampTimer = Self.rampInterval
    }
}
