import Testing
import Wire
import Workers

@Suite struct PermissionTests {
    private func isAllowed(_ id: String, by coordinator: String, _ allowed: [String] = []) throws -> Bool {
        do {
            try WorkerPermission(coordinator: Endpoint(coordinator), allowed: allowed).check(id)
            return true
        } catch let error as WorkerError {
            #expect(error.remedy.contains("--allow-worker"))
            return false
        }
    }

    @Test(arguments: ["worker:/bin/sh -c id", "worker:./mine?x", "pettingzoo:os/path", "gymnasium:os:Any-v0"])
    func codeOfAnotherHostsChoiceIsNotRun(id: String) throws {
        #expect(try !isAllowed(id, by: "tcp://10.0.0.1:7700"))
        for local in ["tcp://127.0.0.1:7700", "ipc:///tmp/control", "inproc://control"] { #expect(try isAllowed(id, by: local)) }
        #expect(try isAllowed(id, by: "tcp://10.0.0.1:7700", [id]))
    }

    @Test func whatIsBuiltInAlwaysRuns() throws {
        for id in ["CartPole-v1", "gymnasium:ALE/Pong-v5", "unknown:thing"] { #expect(try isAllowed(id, by: "tcp://10.0.0.1:7700")) }
    }

    @Test func aProgramIsAllowedWithItsArguments() throws {
        let remote = "tcp://10.0.0.1:7700"
        #expect(try isAllowed("worker:./mine?maze", by: remote, ["./mine"]) && isAllowed("worker:./mine a?maze", by: remote, ["./mine a"]))
        #expect(try !isAllowed("worker:./mine a?maze", by: remote, ["./mine"]))
    }
}
