import CBox2D
import Glibc
import Tensors

/// What an action asks of the engines.
struct EngineThrottle {
    /// 0 (off) or 0.5 … 1.
    var main = 0.0
    /// 0 (off) or 0.5 … 1.
    var side = 0.0
    /// −1: the left orientation engine, +1: the right one.
    var direction = 0.0
}

/// The flight of the lunar lander: what `LunarLander` and `LunarLanderContinuous` share.
///
/// Rigid bodies are Box2D's, in single precision; engines, wind and the shaping reward are computed in double precision, in Gymnasium's
/// order of operations. The particles that Gymnasium draws behind the engines have no influence on the lander and do not exist here.
struct LanderFlight {
    static let mainEnginePower = 13.0
    static let sideEnginePower = 0.6
    static let mainEngineHeight = 4 / LanderScene.scale
    static let sideEngineAway = 12 / LanderScene.scale

    static let options = [
        EnvironmentOption("gravity", -10, -12...0, "the gravitational acceleration in m/s²"),
        EnvironmentOption("enable_wind", 0, 0...1, "1 for wind and turbulence while no leg stands on the ground"),
        EnvironmentOption("wind_power", 15, 0...(.infinity), "the greatest sideways force of the wind in N; up to 20 is usual"),
        EnvironmentOption("turbulence_power", 1.5, 0...(.infinity), "the greatest torque of the turbulence in N·m; up to 2 is usual"),
    ]

    /// The Box2D world lives outside of the value: copies of a flight share it.
    private final class World {
        let lander: OpaquePointer

        init() {
            guard let lander = apus_lander_new() else { fatalError("no memory for a Box2D world") }
            self.lander = lander
        }

        deinit { apus_lander_free(lander) }
    }

    private let world = World()
    private var random = RandomKey(seed: 0, purpose: .environment).stream(slot: 0, episode: 0)
    private var gravity = -10.0
    private var wind: (force: Double, torque: Double)?
    private var windIndex = 0
    private var turbulenceIndex = 0
    private var shaping = 0.0
    private var legContact = (false, false)

    mutating func configure(_ options: EnvironmentOptions) {
        gravity = options["gravity"]
        wind = options["enable_wind"] != 0 ? (options["wind_power"], options["turbulence_power"]) : nil
    }

    mutating func reset(_ random: inout RandomStream, observation: UnsafeMutableBufferPointer<Float>) {
        let start = LanderStart(&random)
        self.random = random
        reset(start, dispersion: drawDispersion(), observation: observation)
    }

    /// Starts with given draws. The first observation is what follows a step with all engines off.
    mutating func reset(_ start: LanderStart, dispersion: SIMD2<Double>, observation: UnsafeMutableBufferPointer<Float>) {
        LanderScene.build(world.lander, start: start, gravity: gravity)
        windIndex = start.windIndex
        turbulenceIndex = start.turbulenceIndex
        legContact = (false, false)
        _ = step(EngineThrottle(), dispersion: dispersion, observation: observation)
    }

    mutating func step(_ throttle: EngineThrottle, observation: UnsafeMutableBufferPointer<Float>) -> Step {
        step(throttle, dispersion: drawDispersion(), observation: observation)
    }

    /// Two numbers in [−1, 1): where the engines push this time. Drawn at every step, whether an engine fires or not.
    private mutating func drawDispersion() -> SIMD2<Double> {
        let first = random.uniform(in: -1...1)
        return SIMD2(first, random.uniform(in: -1...1))
    }

    mutating func step(
        _ throttle: EngineThrottle, dispersion: SIMD2<Double>, observation: UnsafeMutableBufferPointer<Float>
    ) -> Step {
        blow()
        fire(throttle, dispersion: dispersion / LanderScene.scale)
        apus_lander_step(world.lander)

        let lander = apus_lander_read(world.lander)
        legContact = lander.leg_contact
        let (halfWidth, halfHeight) = (LanderScene.width / 2, LanderScene.height / 2)
        let x = (Double(lander.x) - halfWidth) / halfWidth
        let y = (Double(lander.y) - (LanderScene.padHeight + LanderScene.legDown)) / halfHeight
        let velocityX = Double(lander.velocity_x) * halfWidth / LanderScene.stepsPerSecond
        let velocityY = Double(lander.velocity_y) * halfHeight / LanderScene.stepsPerSecond
        let (first, second) = (legContact.0 ? 1.0 : 0.0, legContact.1 ? 1.0 : 0.0)
        observation[0] = Float(x)
        observation[1] = Float(y)
        observation[2] = Float(velocityX)
        observation[3] = Float(velocityY)
        observation[4] = lander.angle
        observation[5] = Float(20 * Double(lander.angular_velocity) / LanderScene.stepsPerSecond)
        observation[6] = Float(first)
        observation[7] = Float(second)

        let before = shaping
        shaping =
            -100 * (x * x + y * y).squareRoot() - 100 * (velocityX * velocityX + velocityY * velocityY).squareRoot()
            - 100 * abs(Double(lander.angle)) + 10 * first + 10 * second
        if !lander.awake { return Step(reward: 100, terminated: true) }
        if lander.hull_contact || abs(x) >= 1 { return Step(reward: -100, terminated: true) }
        return Step(reward: Float(shaping - before - throttle.main * 0.3 - throttle.side * 0.03), terminated: false)
    }

    /// Wind and turbulence: tanh(sin 2kt + sin πkt), which never repeats, with k = 0.01 and a clock for each.
    private mutating func blow() {
        guard let wind, !legContact.0, !legContact.1 else { return }
        func gust(_ index: Int) -> Double { tanh(sin(0.02 * Double(index)) + sin(Double.pi * 0.01 * Double(index))) }
        apus_lander_apply_force(world.lander, Float(gust(windIndex) * wind.force), Float(gust(turbulenceIndex) * wind.torque))
        windIndex += 1
        turbulenceIndex += 1
    }

    /// - Parameter dispersion: in metres.
    private func fire(_ throttle: EngineThrottle, dispersion: SIMD2<Double>) {
        guard throttle.main > 0 || throttle.side > 0 else { return }
        let lander = apus_lander_read(world.lander)
        let (positionX, positionY) = (Double(lander.x), Double(lander.y))
        let tip = SIMD2(sin(Double(lander.angle)), cos(Double(lander.angle)))
        let side = SIMD2(-tip.y, tip.x)
        if throttle.main > 0 {
            let along = Self.mainEngineHeight + 2 * dispersion.x
            let x = tip.x * along + side.x * dispersion.y
            let y = -tip.y * along - side.y * dispersion.y
            push(x, y, power: Self.mainEnginePower, throttle.main, at: positionX + x, positionY + y)
        }
        if throttle.side > 0 {
            let across = 3 * dispersion.y + throttle.direction * Self.sideEngineAway
            let x = tip.x * dispersion.x + side.x * across
            let y = -tip.y * dispersion.x - side.y * across
            // 17 and 14 pixels: Gymnasium's engine is not where it is drawn, so the lander's attitude changes the torque.
            let atX = positionX + x - tip.x * 17 / LanderScene.scale
            let atY = positionY + y + tip.y * 14 / LanderScene.scale
            push(x, y, power: Self.sideEnginePower, throttle.side, at: atX, atY)
        }
    }

    private func push(_ x: Double, _ y: Double, power: Double, _ throttle: Double, at atX: Double, _ atY: Double) {
        apus_lander_apply_impulse(
            world.lander, Float(-x * power * throttle), Float(-y * power * throttle), Float(atX), Float(atY))
    }
}
