import Tensors

/// MinAtar's Space Invaders: shoot a block of aliens that marches sideways, comes down a row at each side and shoots back. Each alien is
/// worth 1. The fewer are left, the faster they move; when none is left, the next wave comes, with ramping a little faster. The episode
/// ends when an alien or a bullet hits the cannon or an alien that is in the last row reaches a side.
///
/// Planes: cannon, aliens, aliens when they move left, when they move right, the player's bullets, the aliens' bullets. Actions: none,
/// left, right, fire. Random: sticky actions only.
public struct SpaceInvaders: MinAtarGame {
    public static let id = "MinAtar/SpaceInvaders"
    public static let summary = "shoot waves of aliens on 10 × 10 cells; Gymnasium's MinAtar/SpaceInvaders-v1; 6 planes, 4 actions"
    public static let actionSpace = Space.discrete(4)
    public static let planes = 6

    /// Steps between two shots of the player.
    private static let playerShotInterval = 5
    private static let alienShotInterval = 10
    private static let firstMoveInterval = 12
    private static let lastMoveInterval = 6

    public var play = MinAtarPlay()
    private var cannon = 5
    private var aliens = CellSet.wave
    private var aliensMoveRight = false
    private var playerBullets = CellSet()
    private var alienBullets = CellSet()
    private var moveInterval = firstMoveInterval
    private var moveTimer = firstMoveInterval
    private var alienShotTimer = alienShotInterval
    private var playerShotTimer = 0

    public init() {}

    @inline(__always)
    public static func action(_ index: Int32) -> MinAtarAction {
        switch index {
        case 1: .left
        case 2: .right
        case 3: .fire
        default: .none
        }
    }

    public mutating func start(_ draws: inout some MinAtarDraws) {
        cannon = 5
        aliens = .wave
        aliensMoveRight = false
        (playerBullets, alienBullets) = (CellSet(), CellSet())
        moveInterval = Self.firstMoveInterval
        moveTimer = moveInterval
        alienShotTimer = Self.alienShotInterval
        playerShotTimer = 0
    }

    @inline(__always)
    public mutating func act(_ action: MinAtarAction, _ draws: inout some MinAtarDraws) -> Step {
        switch action {
        case .fire where playerShotTimer == 0:
            playerBullets.insert(x: cannon, y: 9)
            playerShotTimer = Self.playerShotInterval
        case .left: cannon = max(0, cannon &- 1)
        case .right: cannon = min(9, cannon &+ 1)
        case .none, .up, .down, .fire: break
        }
        playerBullets.moveUp()
        alienBullets.moveDown()
        var step = Step(reward: 0, terminated: false)
        step.terminated = alienBullets.contains(x: cannon, y: 9) || aliens.contains(x: cannon, y: 9)
        if moveTimer == 0 { moveAliens(&step) }
        if alienShotTimer == 0 {
            alienShotTimer = Self.alienShotInterval
            shootBack()
        }

        let hit = aliens.intersection(playerBullets)
        step.reward = Float(hit.count)
        aliens.subtract(hit)
        playerBullets.subtract(hit)

        if playerShotTimer > 0 { playerShotTimer &-= 1 }
        moveTimer &-= 1
        alienShotTimer &-= 1
        if aliens.isEmpty {
            if play.ramping && moveInterval > Self.lastMoveInterval { moveInterval &-= 1 }
            aliens = .wave
        }
        return step
    }

    @inline(__always)
    public mutating func write(to board: MinAtarBoard) {
        board.set(0, x: cannon, y: 9)
        let direction = aliensMoveRight ? 3 : 2
        aliens.forEach { cell in
            board.set(1, cell: cell)
            board.set(direction, cell: cell)
        }
        playerBullets.forEach { board.set(4, cell: $0) }
        alienBullets.forEach { board.set(5, cell: $0) }
    }

    /// Sideways, or down and then back when one is at the side.
    private mutating func moveAliens(_ step: inout Step) {
        moveTimer = min(aliens.count, moveInterval)
        if !aliens.intersection(aliensMoveRight ? .column(9) : .column(0)).isEmpty {
            aliensMoveRight.toggle()
            if !aliens.intersection(.row(9)).isEmpty { step.terminated = true }
            aliens.rotateDown()
        } else if aliensMoveRight {
            aliens.moveRight()
        } else {
            aliens.moveLeft()
        }
        if aliens.contains(x: cannon, y: 9) { step.terminated = true }
    }

    /// The lowest alien of the column nearest to the cannon shoots; of two columns the left one.
    private mutating func shootBack() {
        for distance in 0..<10 {
            guard let cell = lowestAlien(cannon &- distance) ?? lowestAlien(cannon &+ distance) else { continue }
            alienBullets.insert(cell: cell)
            return
        }
    }

    private func lowestAlien(_ column: Int) -> Int? { 0...9 ~= column ? aliens.intersection(.column(column)).last : nil }
}
