import CBox2D
import Tensors

/// What is drawn at random at the start of an episode of the lunar lander.
package struct LanderStart: Sendable {
    /// Terrain heights before the pad is cut in and neighbours are averaged: 12 numbers in metres.
    package var heights: [Double]
    /// What pushes the hull during the first step, in newtons.
    package var force: (x: Double, y: Double)
    /// Where the patterns of wind and turbulence begin.
    package var windIndex = 0
    package var turbulenceIndex = 0

    package init(heights: [Double], force: (x: Double, y: Double), windIndex: Int = 0, turbulenceIndex: Int = 0) {
        precondition(heights.count == LanderScene.chunks + 1, "\(LanderScene.chunks + 1) terrain heights, got \(heights.count)")
        self.heights = heights
        self.force = force
        self.windIndex = windIndex
        self.turbulenceIndex = turbulenceIndex
    }

    init(_ random: inout RandomStream) {
        heights = (0...LanderScene.chunks).map { _ in random.uniform(in: 0...(LanderScene.height / 2)) }
        force = (random.uniform(in: -1000...1000), random.uniform(in: -1000...1000))
        windIndex = Int.random(in: -9999..<9999, using: &random)
        turbulenceIndex = Int.random(in: -9999..<9999, using: &random)
    }
}

/// The measures of the lunar lander's world, in metres, and the Box2D world made from them. All numbers are Gymnasium's `LunarLander-v3`.
enum LanderScene {
    /// Pixels of Gymnasium's 600 × 400 picture in a metre: the task is defined in pixels.
    static let scale = 30.0
    static let width = 600 / scale
    static let height = 400 / scale
    static let stepsPerSecond = 50.0
    /// Points of the terrain.
    static let chunks = 11
    /// The height of the landing pad.
    static let padHeight = height / 4
    static let legAway = 20 / scale
    static let legDown = 18 / scale

    /// Five points in the middle are the pad's; each point becomes 0.33 times the sum of itself and its neighbours.
    static func terrain(_ heights: [Double]) -> [Float] {
        var heights = heights
        for chunk in (chunks / 2 - 2)...(chunks / 2 + 2) { heights[chunk] = padHeight }
        return (0..<chunks).flatMap { chunk in
            // The last height, beyond the right edge, is the left neighbour of the first point too.
            let before = heights[chunk == 0 ? chunks : chunk - 1]
            return [Float(width / Double(chunks - 1) * Double(chunk)), Float(0.33 * (before + heights[chunk] + heights[chunk + 1]))]
        }
    }

    private static let hull: [Float] = [-14, 17, -17, 0, -17, -10, 17, -10, 17, 0, 14, 17].map { Float($0 / scale) }

    static func build(_ lander: OpaquePointer, start: LanderStart, gravity: Double) {
        terrain(start.heights).withUnsafeBufferPointer { terrain in
            hull.withUnsafeBufferPointer { hull in
                var scene = apus_lander_scene()
                scene.gravity = Float(gravity)
                scene.time_step = Float(1 / stepsPerSecond)
                scene.velocity_iterations = 180
                // Gymnasium's 180 always do for Box2D 2.3, which solves a hinge and its limit as one block. 2.4 solves them one after the
                // other and needs more where a light leg carries the hull: with 180 a landed hull rocks 16 steps longer.
                scene.stiff_iterations = 600
                scene.position_iterations = 60
                scene.base_width = Float(width)
                scene.terrain = terrain.baseAddress
                scene.terrain_count = CInt(terrain.count / 2)
                scene.terrain_friction = 0.1
                scene.x = Float(width / 2)
                scene.y = Float(height)
                scene.leg_x = (Float(width / 2 + legAway), Float(width / 2 - legAway))
                scene.hull = hull.baseAddress
                scene.hull_count = CInt(hull.count / 2)
                scene.hull_density = 5
                scene.hull_friction = 0.1
                scene.force_x = Float(start.force.x)
                scene.force_y = Float(start.force.y)
                scene.leg_width = Float(2 / scale)
                scene.leg_height = Float(8 / scale)
                scene.leg_density = 1
                scene.leg_away = Float(legAway)
                scene.leg_down = Float(legDown)
                scene.leg_angle = 0.05
                scene.leg_lower = Float(0.9 - 0.5)
                scene.leg_upper = 0.9
                scene.motor_torque = 40
                scene.motor_speed = 0.3
                apus_lander_build(lander, &scene)
            }
        }
    }
}
