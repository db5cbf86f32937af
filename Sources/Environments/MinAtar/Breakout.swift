import Tensors

/// MinAtar's Breakout: bounce a ball with a paddle and break three rows of bricks, each worth 1; the rows come back when all are broken and
/// the ball is at the bottom. The episode ends when the ball passes the paddle.
///
/// Planes: paddle, ball, where the ball was, bricks. Actions: none, left, right. Difficulty does not ramp. Random: the side on which the
/// ball starts, and sticky actions.
public struct Breakout: MinAtarGame {
    public static let id = "MinAtar/Breakout"
    public static let summary = "break bricks with a ball on 10 × 10 cells; Gymnasium's MinAtar/Breakout-v1; 4 planes, 3 actions"
    public static let actionSpace = Space.discrete(3)
    public static let planes = 4

    /// Every brick: rows 1 to 3, 10 bits each.
    private static let allBricks: UInt32 = 0x3fff_ffff

    public var play = MinAtarPlay()
    private var ball = (x: 0, y: 3)
    private var lastBall = (x: 0, y: 3)
    /// 0: up and left, 1: up and right, 2: down and right, 3: down and left.
    private var direction = 2
    private var paddle = 4
    private var bricks = allBricks
    /// The ball has broken a brick and has not left the bricks since.
    private var strike = false

    public init() {}

    @inline(__always)
    public static func action(_ index: Int32) -> MinAtarAction {
        switch index {
        case 1: .left
        case 2: .right
        default: .none
        }
    }

    public mutating func start(_ draws: inout some MinAtarDraws) {
        let right = draws.integer(below: 2) == 1
        ball = (right ? 9 : 0, 3)
        direction = right ? 3 : 2
        lastBall = ball
        paddle = 4
        bricks = Self.allBricks
        strike = false
    }

    @inline(__always)
    public mutating func act(_ action: MinAtarAction, _ draws: inout some MinAtarDraws) -> Step {
        if action == .left { paddle = max(0, paddle &- 1) } else if action == .right { paddle = min(9, paddle &+ 1) }

        lastBall = ball
        var x = ball.x &+ (direction == 1 || direction == 2 ? 1 : -1)
        var y = ball.y &+ (direction >= 2 ? 1 : -1)
        if x < 0 || x > 9 {
            x = min(max(x, 0), 9)
            turnSideways()
        }

        var step = Step(reward: 0, terminated: false)
        var amongBricks = false
        if y < 0 {
            y = 0
            turnUpDown()
        } else if 1 <= y && y <= 3 && bricks & brick(x, y) != 0 {
            amongBricks = true
            if !strike {
                step.reward = 1
                strike = true
                bricks &= ~brick(x, y)
                y = lastBall.y
                turnUpDown()
            }
        } else if y == 9 {
            if bricks == 0 { bricks = Self.allBricks }
            if ball.x == paddle {
                turnUpDown()
                y = lastBall.y
            } else if x == paddle {
                turnBack()
                y = lastBall.y
            } else {
                step.terminated = true
            }
        }
        if !amongBricks { strike = false }
        ball = (x, y)
        return step
    }

    @inline(__always)
    public mutating func write(to board: MinAtarBoard) {
        // A cell's four planes are one 32-bit word; 32 words hold the 30 bricks and two cells of the empty row below them. Bit k times
        // 2 to the power of 24 − k is a 1 in the last plane.
        let bits = SIMD8<UInt32>(1, 2, 4, 8, 16, 32, 64, 128)
        let weights = SIMD8<UInt32>(1 << 24, 1 << 23, 1 << 22, 1 << 21, 1 << 20, 1 << 19, 1 << 18, 1 << 17)
        for byte in 0..<4 {
            let words = (SIMD8(repeating: bricks &>> UInt32(8 &* byte)) & bits) &* weights
            board.bytes.storeBytes(of: words, toByteOffset: 40 &+ 32 &* byte, as: SIMD8<UInt32>.self)
        }
        board.set(0, x: paddle, y: 9)
        board.set(1, x: ball.x, y: ball.y)
        board.set(2, x: lastBall.x, y: lastBall.y)
    }

    @inline(__always)
    private func brick(_ x: Int, _ y: Int) -> UInt32 { 1 &<< UInt32(truncatingIfNeeded: (y &- 1) &* 10 &+ x) }

    private mutating func turnSideways() { direction ^= 1 }
    private mutating func turnUpDown() { direction ^= 3 }
    private mutating func turnBack() { direction ^= 2 }
}
