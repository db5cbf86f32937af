import Keeping
import Platform
import Testing

/// Who is started again, and who is not.
@Suite struct KeeperMachineTests {
    @Test func onlyTheMissingStart() {
        var machine = KeeperMachine()
        #expect(machine.want(2, now: .zero) == [.start(0), .start(1)])
        #expect(machine.want(3, now: .zero) == [.start(2)])
        #expect(machine.want(1, now: .zero).isEmpty && machine.running == 3, "nobody is ended")
    }

    @Test func theDeadAreStartedAgainAfterAPause() {
        var machine = KeeperMachine()
        _ = machine.want(1, now: .zero)
        #expect(machine.ended(0, .signal(9), now: .zero + 60) == [.log("actor 0 was killed by signal 9; it is started again")])
        #expect(machine.tick(now: .zero + 60.1).isEmpty)
        #expect(machine.tick(now: .zero + 60.3) == [.start(0)])
    }

    @Test func whoDiesYoungAgainAndAgainIsGivenUp() {
        var machine = KeeperMachine()
        _ = machine.want(1, now: .zero)
        var (now, starts) = (Time.zero, 0)
        for _ in 0..<6 {
            let actions = machine.ended(0, .code(1), now: now)
            if case .end(let outcome)? = actions.last {
                #expect(outcome == .init(finished: 0, failed: 1, restarts: 5) && starts == 5)
                return
            }
            while machine.tick(now: now).isEmpty { now = now + 0.1 }
            starts += 1
        }
        Issue.record("it was started for ever")
    }

    @Test func whoIsRefusedIsNotStartedAgain() {
        var machine = KeeperMachine()
        _ = machine.want(1, now: .zero)
        #expect(machine.ended(0, .code(3), now: .zero).last == .end(.init(failed: 1)))
    }

    @Test func theRunsEndIsTheEnd() {
        var machine = KeeperMachine()
        _ = machine.want(2, now: .zero)
        #expect(machine.ended(0, .code(0), now: .zero).isEmpty)
        #expect(machine.ended(1, .code(0), now: .zero) == [.end(.init(finished: 2))])
        #expect(machine.want(2, now: .zero).isEmpty)
    }

    @Test func stoppingAsksFirst() {
        var machine = KeeperMachine()
        _ = machine.want(2, now: .zero)
        _ = machine.ended(1, .signal(9), now: .zero)
        #expect(machine.stop(now: .zero) == [.signal(0, kill: false)], "who waits for a start needs no signal")
        #expect(machine.tick(now: .zero + 5).isEmpty)
        #expect(machine.tick(now: .zero + 11) == [.signal(0, kill: true)])
        #expect(machine.tick(now: .zero + 12).isEmpty)
        #expect(machine.ended(0, .signal(9), now: .zero + 12) == [.end(.init(finished: 2))])
    }
}
