import Platform
import Spawning
import Testing

/// What happens with one host, without a host.
@Suite struct HostSessionTests {
    static let script = HostScript(
        key: "tcp---h-7700", programName: "apus-actor-0123", programBytes: 40 << 20, digest: "00", machine: "Linux x86_64", words: [],
        coordinator: "tcp://h:7700")
    static var plan: HostPlan {
        var plan = HostPlan(host: "a")
        plan.count = 2
        return plan
    }
    static func session(detached: Bool = false) -> HostSession { HostSession(plan, script: script, detached: detached) }

    /// One that is attached, with `position` bytes of log behind it.
    static func attached(position: Int = 0) -> HostSession {
        var session = Self.session()
        _ = session.start()
        _ = session.heard("@apus attached running 2 started 2 position \(position)")
        return session
    }

    @Test func theProgramIsCopiedWhereItIsMissing() {
        var session = Self.session()
        #expect(session.start() == [.run(.begin(incoming: nil, position: nil))])
        _ = session.heard("@apus missing /home/me/.cache/apus/bin/.incoming-7")
        let actions = session.ended(code: 0, now: .zero)
        #expect(actions.last == .run(.copy(to: "/home/me/.cache/apus/bin/.incoming-7")))
        #expect(session.ended(code: 0, now: .zero) == [.run(.begin(incoming: "/home/me/.cache/apus/bin/.incoming-7", position: nil))])
        #expect(session.heard("@apus attached running 2 started 2 position 0") == [.say("2 actors started")])
        #expect(session.state == .attached && session.isCopied && session.started == 2)
    }

    @Test func onlyTheMissingAreTold() {
        var session = Self.session()
        _ = session.start()
        #expect(session.heard("@apus attached running 3 started 1 position 512") == [.say("1 actors started, 2 ran already")])
    }

    /// The log goes on at the byte where it left off, after pauses that grow.
    @Test func aCutConnectionComesBack() {
        var session = Self.attached(position: 100)
        session.received(28)
        let cut = session.ended(code: 255, now: .zero)
        #expect(session.state == .cut && cut.count == 1 && session.reconnects == 1)
        #expect(session.tick(now: .zero + 0.4).isEmpty)
        #expect(session.tick(now: .zero + 0.6) == [.run(.begin(incoming: nil, position: 128))])
        #expect(session.ended(code: 255, now: .zero + 1).isEmpty, "said once")
        #expect(session.tick(now: .zero + 1.9).isEmpty)
        #expect(session.tick(now: .zero + 2.1) == [.run(.begin(incoming: nil, position: 128))])
        #expect(session.heard("@apus attached running 2 started 0 position 128") == [.say("connected again")])
        #expect(session.state == .attached)
    }

    /// What never held is a mistake, and not waited for.
    @Test(arguments: [
        ("ssh: connect to host a port 22: Connection refused", "cannot be reached"),
        ("ssh: Could not resolve hostname a: Name or service not known", "no host of this name"),
        ("me@a: Permission denied (publickey).", "ssh-copy-id a"),
        ("Host key verification failed.", "look at the key: ssh a"),
        ("something else", "something else"),
    ])
    func aFirstConnectionThatFailsSaysWhy(_ line: String, says: String) throws {
        var session = Self.session()
        _ = session.start()
        _ = session.heard(line[...])
        _ = session.ended(code: 255, now: .zero)
        let trouble = try #require(session.trouble)
        #expect(session.state == .failed && "\(trouble)".contains(says), "\(trouble)")
    }

    @Test(arguments: [
        (["@apus wrong-machine Linux aarch64"], "this host is Linux aarch64"),
        (["mkdir: cannot create directory '/x': Read-only file system", "@apus no-folder /x"], "Read-only file system"),
        (["@apus no-space 2048"], "2 MB are free there, the program has 40 MB"),
        (["@apus torn 0"], "did not arrive whole"),
        (["x: error while loading shared libraries: libzmq.so.5: cannot open shared object file", "@apus cannot-start 127"], "apt-get install libzmq5"),
        (["x: /lib/libc.so.6: version `GLIBC_2.36' not found (required by x)", "@apus cannot-start 1"], "older than 2.36"),
        (["sh: 9: x: Exec format error", "@apus cannot-start 126"], "noexec"),
    ])
    func whatAHostLacksIsNamed(_ lines: [String], says: String) throws {
        var session = Self.session()
        _ = session.start()
        for line in lines { _ = session.heard(line[...]) }
        _ = session.ended(code: 0, now: .zero)
        let trouble = try #require(session.trouble)
        #expect(session.state == .failed && "\(trouble)".contains(says), "\(trouble)")
    }

    @Test func theEndOfTheRunEndsIt() {
        var session = Self.attached()
        _ = session.heard("@apus over finished 2 failed 0 restarts 3")
        _ = session.ended(code: 0, now: .zero)
        #expect(session.state == .done && session.restarts == 3 && session.running == 0)
    }

    @Test func actorsThatKeepFailingFailTheHost() {
        var session = Self.attached()
        _ = session.heard("@apus over finished 1 failed 1 restarts 5")
        _ = session.ended(code: 0, now: .zero)
        #expect(session.state == .failed)
    }

    @Test func aKilledKeeperIsReplacedAFewTimes() {
        var session = Self.attached()
        for _ in 0..<5 {
            _ = session.heard("@apus keeper-lost")
            _ = session.ended(code: 0, now: .zero)
            #expect(session.tick(now: .zero) == [.run(.begin(incoming: nil, position: 0))])
            _ = session.heard("@apus attached running 2 started 2 position 0")
        }
        _ = session.heard("@apus keeper-lost")
        _ = session.ended(code: 0, now: .zero)
        #expect(session.state == .failed)
    }

    /// What runs is ended first, then the host is told; also when the host is cut off right then.
    @Test func stopping() {
        var session = Self.attached()
        #expect(session.stop() == [.abandon])
        #expect(session.stop().isEmpty)
        #expect(session.ended(code: 255, now: .zero) == [.run(.stop)])
        _ = session.heard("@apus stopped 2")
        #expect(session.ended(code: 0, now: .zero) == [.say("2 actors stopped")])
        #expect(session.state == .done)

        var cut = Self.attached()
        _ = cut.ended(code: 255, now: .zero)
        #expect(cut.stop() == [.run(.stop)])
        _ = cut.ended(code: 255, now: .zero)
        #expect(cut.state == .failed, "it may still run there")
    }

    @Test func detachedLeaves() {
        var session = Self.session(detached: true)
        _ = session.start()
        _ = session.heard("@apus attached running 2 started 2 position 0")
        #expect(session.ended(code: 0, now: .zero).isEmpty && session.state == .done && session.running == 2)
    }
}
