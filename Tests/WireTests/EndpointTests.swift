import Testing
import Wire

@Suite struct EndpointTests {
    @Test func knowsWhoCanReachAnAddress() throws {
        #expect(try Endpoint("tcp://127.0.0.1:7700").isLocal)
        #expect(try Endpoint("ipc:///tmp/x").isLocal)
        #expect(try !Endpoint("tcp://0.0.0.0:7700").isLocal)
    }

    @Test(arguments: ["", "7700", "tcp://host", "tcp://:7700", "tcp://host:99999", "udp://host:1", "ipc://", "inproc://"])
    func refusesWhatIsNoAddress(text: String) {
        #expect(throws: EndpointError.self) { try Endpoint(text) }
    }

    @Test func refusesAPathThatAUnixSocketCannotHold() {
        #expect(throws: EndpointError.self) { try Endpoint("ipc:///" + String(repeating: "x", count: 107)) }
    }
}
