import Tensors

/// MinAtar's Seaquest: steer a submarine, shoot fish and other submarines, each worth 1, take divers on board, up to six, and bring them to
/// the surface before the oxygen is used up: six divers are worth up to 10, by the oxygen that is left. Surfacing costs a diver; the
/// episode ends when there is none to give, when the oxygen is gone, or when an enemy or its bullet meets the player. With ramping, every
/// surfacing makes enemies come and move more often.
///
/// Planes: the submarine's front and back, its bullets, where something was a move ago, enemy bullets, fish, enemy submarines, the gauges
/// of oxygen and of divers in the last row, divers. Actions: none, left, up, right, down, fire. Random: what comes, from which side and in
/// which row, and sticky actions.
public struct Seaquest: MinAtarGame {
    public static let id = "MinAtar/Seaquest"
    public static let summary = "shoot, dive and rescue on 10 × 10 cells; Gymnasium's MinAtar/Seaquest-v1; 10 planes, 6 actions"
    public static let actionSpace = Space.discrete(6)
    public static let planes = 10

    static let maxOxygen = 200
    static let maxDivers = 6
    private static let firstSpawnInterval = 20
    private static let diverSpawnInterval = 30
    private static let firstMoveInterval: Int8 = 5
    static let diverMoveInterval: Int8 = 5
    private static let playerShotInterval = 5
    static let enemyShotInterval: Int8 = 10

    public var play = MinAtarPlay()
    /// The front of the submarine; its back is where it does not look.
    var submarine = Swimmer(x: 5, y: 0, right: false)
    var oxygen = maxOxygen
    /// Negative after six divers were brought up: the surfacing that rewards them takes one more.
    var diversOnBoard = 0
    var bullets = SwimmerList()
    var enemyBullets = SwimmerList()
    var fish = SwimmerList()
    var enemySubmarines = SwimmerList()
    var divers = SwimmerList()
    var moveInterval = firstMoveInterval
    private var spawnInterval = firstSpawnInterval
    private var spawnTimer = firstSpawnInterval
    private var diverTimer = diverSpawnInterval
    private var shotTimer = 0
    private var surfacings = 0
    private var atSurface = true

    public init() {}

    @inline(__always)
    public static func action(_ index: Int32) -> MinAtarAction {
        0..<6 ~= index ? MinAtarAction(rawValue: UInt8(truncatingIfNeeded: index))! : .none
    }

    public mutating func start(_ draws: inout some MinAtarDraws) {
        submarine = Swimmer(x: 5, y: 0, right: false)
        oxygen = Self.maxOxygen
        diversOnBoard = 0
        bullets.removeAll()
        enemyBullets.removeAll()
        fish.removeAll()
        enemySubmarines.removeAll()
        divers.removeAll()
        moveInterval = Self.firstMoveInterval
        spawnInterval = Self.firstSpawnInterval
        spawnTimer = spawnInterval
        diverTimer = Self.diverSpawnInterval
        shotTimer = 0
        surfacings = 0
        atSurface = true
    }

    public mutating func act(_ action: MinAtarAction, _ draws: inout some MinAtarDraws) -> Step {
        if spawnTimer == 0 {
            spawnEnemy(&draws)
            spawnTimer = spawnInterval
        }
        if diverTimer == 0 {
            spawnDiver(&draws)
            diverTimer = Self.diverSpawnInterval
        }
        steer(action)

        var step = Step(reward: 0, terminated: false)
        moveBullets(&step)
        moveDivers()
        moveEnemySubmarines(&step)
        moveEnemyBullets(&step)
        moveFish(&step)

        if spawnTimer > 0 { spawnTimer &-= 1 }
        if diverTimer > 0 { diverTimer &-= 1 }
        if shotTimer > 0 { shotTimer &-= 1 }
        if oxygen <= 0 { step.terminated = true }
        if submarine.y > 0 {
            oxygen &-= 1
            atSurface = false
        } else if !atSurface {
            if diversOnBoard == 0 { step.terminated = true } else { surface(&step) }
        }
        return step
    }

    public mutating func write(to board: MinAtarBoard) {
        let (x, y) = (Int(submarine.x), Int(submarine.y))
        board.set(0, x: x, y: y)
        board.set(1, x: submarine.right ? x &- 1 : x &+ 1, y: y)
        for x in 0..<(max(0, oxygen) &* 10 / Self.maxOxygen) { board.set(7, x: x, y: 9) }
        for x in (9 &- max(0, diversOnBoard))..<9 { board.set(8, x: x, y: 9) }
        bullets.forEach { board.set(2, x: Int($0.x), y: Int($0.y)) }
        enemyBullets.forEach { board.set(4, x: Int($0.x), y: Int($0.y)) }
        fish.forEach { Self.mark($0, 5, on: board) }
        enemySubmarines.forEach { Self.mark($0, 6, on: board) }
        divers.forEach { Self.mark($0, 9, on: board) }
    }

    /// A swimmer and, where that is on the board, its trail.
    @inline(__always)
    private static func mark(_ swimmer: Swimmer, _ plane: Int, on board: MinAtarBoard) {
        let (x, y) = (Int(swimmer.x), Int(swimmer.y))
        board.set(plane, x: x, y: y)
        let behind = x &+ (swimmer.right ? -1 : 1)
        if 0...9 ~= behind { board.set(3, x: behind, y: y) }
    }

    @inline(__always)
    private mutating func steer(_ action: MinAtarAction) {
        switch action {
        case .fire where shotTimer == 0:
            bullets.append(submarine)
            shotTimer = Self.playerShotInterval
        case .left:
            submarine.x = max(0, submarine.x &- 1)
            submarine.right = false
        case .right:
            submarine.x = min(9, submarine.x &+ 1)
            submarine.right = true
        case .up: submarine.y = max(0, submarine.y &- 1)
        case .down: submarine.y = min(8, submarine.y &+ 1)
        case .none, .fire: break
        }
    }

    /// New oxygen for a diver, and a reward for six.
    private mutating func surface(_ step: inout Step) {
        atSurface = true
        if diversOnBoard == Self.maxDivers {
            diversOnBoard = 0
            step.reward += Float(oxygen &* 10 / Self.maxOxygen)
        }
        oxygen = Self.maxOxygen
        diversOnBoard &-= 1
        guard play.ramping && (spawnInterval > 1 || moveInterval > 2) else { return }
        if moveInterval > 2 && surfacings % 2 == 1 { moveInterval &-= 1 }
        if spawnInterval > 1 { spawnInterval &-= 1 }
        surfacings &+= 1
    }

    /// A fish or a submarine, unless something comes towards it in its row.
    private mutating func spawnEnemy(_ draws: inout some MinAtarDraws) {
        let right = draws.uniform() < 1 / 2
        let isSubmarine = draws.uniform() < 1 / 3
        let y = Int8(truncatingIfNeeded: 1 &+ draws.integer(below: 8))
        let meets = { (other: Swimmer) in other.y == y && other.right != right }
        if enemySubmarines.firstIndex(where: meets) != nil || fish.firstIndex(where: meets) != nil { return }
        let swimmer = Swimmer(
            x: right ? 0 : 9, y: y, right: right, moveTimer: moveInterval, shotTimer: isSubmarine ? Self.enemyShotInterval : 0)
        if isSubmarine { enemySubmarines.append(swimmer) } else { fish.append(swimmer) }
    }

    private mutating func spawnDiver(_ draws: inout some MinAtarDraws) {
        let right = draws.uniform() < 1 / 2
        let y = Int8(truncatingIfNeeded: 1 &+ draws.integer(below: 8))
        divers.append(Swimmer(x: right ? 0 : 9, y: y, right: right, moveTimer: Self.diverMoveInterval))
    }
}
