import Coordinating
import Glibc
import Platform
import Testing
import Wire

/// The actor that `make actor` builds, on a host that has nothing.
@Suite(.enabled(if: BareHost.isAvailable, "needs APUS_LONG_TESTS=1, root, debootstrap, openssh-server and `make actor`"))
struct BareHostTests {
    @Test func oneFileIsEnough() throws {
        try scene { scene in
            let host = try BareHost(scene)
            defer { host.remove() }
            let address = "tcp://\(host.here):\(try scene.freePort())"
            let settings = ["--set", "stop.return=null", "--set", "stop.frames=100000000000", "--set", "stop.evaluation_episodes=0"]
            let coordinator = try scene.start(
                .coordinator, ["--run", "cartpole", "--runs", scene.runs, "--name", "run", "--bind", address, "--insecure"] + settings)
            let learner = try scene.start(.learner, ["--coordinator", address, "--runs", scene.runs, "--insecure"])
            try eventually("the run is led", within: 30) { Files.exists("\(scene.runs)/run/coordinator") }
            let options = ["IdentityFile=\(host.key)", "UserKnownHostsFile=\(scene.folder)/known", "StrictHostKeyChecking=accept-new"]
            let spawn = try scene.start(
                .apus, ["spawn", "--run", "\(scene.runs)/run", "--hosts", "\(host.there):2"] + options.flatMap { ["--ssh-option", $0] })
            let status = try StatusClient(coordinator: Endpoint(address), context: SocketContext())
            func actors() throws -> Int { try status.request(timeout: 10).members.filter { $0.role == .actor }.count }
            try eventually("two actors act", within: 60) { try actors() == 2 }
            // The cable is out for longer than ssh and the coordinator wait.
            try host.cable(false)
            try eventually("the cut is seen", within: 60) { try spawn.output.contains("the connection is cut") && actors() == 0 }
            try host.cable(true)
            try eventually("everything comes back", within: 120) { try spawn.output.contains("connected again") && actors() == 2 }
            coordinator.signal(SIGTERM)
            try expectDone([coordinator, learner, spawn])
        }
    }
}
