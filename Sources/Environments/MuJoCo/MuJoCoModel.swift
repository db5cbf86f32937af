import CMuJoCo
import Platform

/// A compiled MuJoCo model, shared by all simulations of it.
public final class MuJoCoModel: Sendable {
    /// Never written to after `init`, and MuJoCo's functions take it as constant.
    nonisolated(unsafe) let handle: OpaquePointer
    /// The model's numbers of positions (nq), velocities (nv), controls (nu) and bodies (the world included).
    public let positions: Int
    public let velocities: Int
    public let controls: Int
    public let bodies: Int

    /// Compiles a model.
    /// - Parameters:
    ///   - name: what error messages call it.
    ///   - xml: MJCF.
    ///   - externalForces: whether `MuJoCoSimulation.externalForces` will be read.
    public init(name: String, xml: [UInt8], externalForces: Bool = false) throws(EnvironmentError) {
        let library = try MuJoCoLibrary.shared.get()
        var text = [CChar](repeating: 0, count: 1024)
        let terminated = xml.map { CChar(bitPattern: $0) } + [0]
        guard let handle = apus_mujoco_model_new(library.handle, terminated, &text, text.count) else {
            throw EnvironmentError(
                problem: "MuJoCo \(library.version) refuses the model: \(MuJoCoLibrary.message(text))", place: name,
                remedy: "Correct the model, or use a MuJoCo that knows it: pip install mujoco.")
        }
        let located = !externalForces || Self.locating.read { _ in apus_mujoco_model_find_external_forces(handle) }
        guard located else {
            apus_mujoco_model_free(handle)
            throw EnvironmentError(
                problem: "MuJoCo \(library.version) keeps external forces where they are not found", place: library.path,
                remedy: "Use another version: pip install mujoco==4.0.0.")
        }
        let counts = apus_mujoco_model_counts(handle)
        self.handle = handle
        positions = Int(counts.positions)
        velocities = Int(counts.velocities)
        controls = Int(counts.controls)
        bodies = Int(counts.bodies)
    }

    deinit { apus_mujoco_model_free(handle) }

    /// The same, kept with its error: for a static property, which is computed once.
    public static func load(
        _ name: String, _ xml: [UInt8], externalForces: Bool = false
    ) -> Result<MuJoCoModel, EnvironmentError> {
        Result { () throws(EnvironmentError) in try MuJoCoModel(name: name, xml: xml, externalForces: externalForces) }
    }

    /// The number of a body of the model.
    public func body(_ name: String) -> Int {
        let body = apus_mujoco_model_body(handle, name)
        precondition(body >= 0, "the model has no body \(name)")
        return Int(body)
    }

    /// One search at a time: it watches what MuJoCo allocates.
    private static let locating = Guarded(())
}
