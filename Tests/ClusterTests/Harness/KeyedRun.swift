import Platform
import Testing
import Wire

/// A run with keys that goes on until it is ended: a coordinator, a learner, and an actor under the key of `gpu-1`.
struct KeyedRun {
    let scene: Scene
    let authority: KeyFolder
    let run: HandRun
    let coordinator: Launched
    let learner: Launched
    let actor: Launched

    /// Starts it, and waits until it trains.
    init(_ scene: Scene) throws {
        self.scene = scene
        authority = try scene.authority()
        run = try HandRun(scene, endless(frames: 1_000_000_000), keys: authority)
        (coordinator, learner) = (try run.start(.coordinator), try run.start(.learner))
        actor = try run.start(.actor, keys: scene.client("gpu-1", of: authority))
        try run.directory.expectProgress(20_000)
    }

    /// What somebody proves whose name and key are allowed.
    func security(of name: String) throws -> SocketSecurity {
        .client(try scene.client(name, of: authority).load().identity, server: try authority.load().identity.publicKey)
    }

    /// It trains still; then it ends, and must be sound.
    func finish(_ members: [Launched]? = nil) throws {
        try run.directory.expectProgress(50_000)
        try run.stop(coordinator, members ?? [learner, actor])
        try run.directory.expectSound()
    }
}

extension Scene {
    /// A coordinator's key folder.
    func authority() throws -> KeyFolder {
        let folder = KeyFolder(path: "\(folder)/authority")
        try folder.create(name: "authority")
        return folder
    }

    /// The folder of a host that the authority allows.
    func client(_ name: String, of authority: KeyFolder, coordinator: PublicKey? = nil) throws -> KeyFolder {
        let client = KeyFolder(path: "\(folder)/\(name)")
        let key = try client.create(name: name, coordinator: coordinator ?? authority.load().identity.publicKey).publicKey
        try authority.allow(AllowedKey(name: name, key: key, roles: .actor))
        return client
    }
}
