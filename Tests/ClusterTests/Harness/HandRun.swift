import Coordinating
import Glibc
import Platform
import Runs
import Wire

/// A run whose three programs are started by hand over tcp loopback.
struct HandRun {
    let scene: Scene
    let address: String
    let directory: RunDirectory
    private let settings: [String]

    init(_ scene: Scene, _ settings: [String]) throws {
        self.scene = scene
        self.settings = settings
        address = "tcp://127.0.0.1:\(try scene.freePort())"
        directory = RunDirectory(path: "\(scene.runs)/run")
    }

    /// A coordinator: for a new run, or for the one that a coordinator before has left.
    func start(_ program: Program, environment: [String] = []) throws -> Launched {
        switch program {
        case .coordinator where Files.exists(directory.spec):
            try scene.start(.coordinator, ["--run", directory.path, "--bind", address])
        case .coordinator:
            try scene.start(.coordinator, ["--run", "cartpole", "--runs", scene.runs, "--name", "run", "--bind", address] + settings)
        case .learner: try scene.start(.learner, ["--coordinator", address, "--runs", scene.runs], environment: environment)
        case .actor: try scene.start(.actor, ["--coordinator", address], environment: environment)
        case .apus: preconditionFailure("apus is no role")
        }
    }

    /// What the coordinator says.
    func status(within seconds: Double = 10) throws -> Status {
        try StatusClient(coordinator: Endpoint(address), context: SocketContext()).request(timeout: seconds)
    }

    /// How many members of a role the coordinator knows.
    func count(_ role: Role) throws -> Int { try status().members.filter { $0.role == role }.count }

    /// Ends a run that would go on for ever.
    func stop(_ coordinator: Launched, _ others: [Launched]) throws {
        coordinator.signal(SIGTERM)
        try expectDone([coordinator] + others)
    }
}

/// All have ended, or end soon, with exit code 0.
func expectDone(_ processes: [Launched], within seconds: Double = 60) throws {
    for process in processes {
        let exit = try process.wait(within: seconds)
        guard exit == .code(0) else { throw Trouble("\(process.name) ended with \(exit). \(process.said)") }
    }
}
