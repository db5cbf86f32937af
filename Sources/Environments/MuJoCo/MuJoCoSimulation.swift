import CMuJoCo

/// One simulation of a model: a value, copied when it is changed and shared.
public struct MuJoCoSimulation {
    private final class Storage {
        let model: MuJoCoModel
        let data: OpaquePointer
        /// Positions, then velocities.
        let state: UnsafeMutableBufferPointer<Double>

        init(_ model: MuJoCoModel, data: OpaquePointer?) {
            guard let data else { fatalError("no memory for a MuJoCo simulation") }
            self.model = model
            self.data = data
            state = .allocate(capacity: model.positions + model.velocities)
            apus_mujoco_read(data, state.baseAddress)
        }

        deinit {
            apus_mujoco_data_free(data)
            state.deallocate()
        }
    }

    private var storage: Storage

    /// In the model's reference state.
    public init(_ model: MuJoCoModel) {
        storage = Storage(model, data: apus_mujoco_data_new(model.handle))
    }

    private mutating func makeUnique() {
        guard !isKnownUniquelyReferenced(&storage) else { return }
        storage = Storage(storage.model, data: apus_mujoco_data_copy(storage.data))
    }

    public var model: MuJoCoModel { storage.model }

    /// qpos; valid until the simulation changes or goes.
    public var position: UnsafeBufferPointer<Double> { UnsafeBufferPointer(rebasing: storage.state[..<storage.model.positions]) }
    /// qvel; valid until the simulation changes or goes.
    public var velocity: UnsafeBufferPointer<Double> { UnsafeBufferPointer(rebasing: storage.state[storage.model.positions...]) }
    /// Positions, then velocities.
    public var state: [Double] { Array(storage.state) }

    /// Starts again from the reference state, changed by `change` (positions, then velocities). What follows depends on nothing before.
    public mutating func reset(_ change: (UnsafeMutableBufferPointer<Double>) -> Void) {
        makeUnique()
        apus_mujoco_reset(storage.data)
        apus_mujoco_read(storage.data, storage.state.baseAddress)
        change(storage.state)
        apus_mujoco_write(storage.data, storage.state.baseAddress)
    }

    /// Makes `frames` time steps under constant controls. MuJoCo itself clamps them to the model's control range.
    public mutating func step(_ controls: UnsafeBufferPointer<Float>, frames: Int) {
        precondition(controls.count == storage.model.controls, "\(storage.model.controls) controls, got \(controls.count)")
        makeUnique()
        apus_mujoco_step(storage.data, controls.baseAddress, CInt(frames))
        apus_mujoco_read(storage.data, storage.state.baseAddress)
    }

    /// A body's position in the world as the last time step saw it: MuJoCo places the bodies before it integrates.
    public func bodyPosition(_ body: Int) -> (x: Double, y: Double, z: Double) {
        precondition((0..<storage.model.bodies).contains(body), "body \(body) of \(storage.model.bodies)")
        var position = (0.0, 0.0, 0.0)
        withUnsafeMutableBytes(of: &position) {
            apus_mujoco_body_position(storage.data, CInt(body), $0.assumingMemoryBound(to: Double.self).baseAddress)
        }
        return position
    }

    /// What acts on the bodies from outside (cfrc_ext), [bodies, 6]: torque and force around the centre of mass; for a model made with
    /// `externalForces`. Valid until the next call.
    public func externalForces() -> UnsafeBufferPointer<Double> {
        UnsafeBufferPointer(start: apus_mujoco_external_forces(storage.data), count: storage.model.bodies * 6)
    }
}
