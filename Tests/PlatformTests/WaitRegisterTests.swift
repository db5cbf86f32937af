import Platform
import Testing

@Suite struct WaitRegisterTests {
    @Test func whatGoesOnIsThere() {
        let register = WaitRegister()
        #expect(register.going.isEmpty)
        register.during(.init(thread: "a", resource: "disk", holder: "host", since: .seconds(10), deadline: 5, detail: "x")) {
            register.during(.init(thread: "b", resource: "credit", holder: "learner", since: .seconds(5))) {
                #expect(register.going.map(\.thread) == ["b", "a"], "oldest first")
                // Each one is told once, after its deadline.
                #expect(register.overdue(now: .seconds(14)) == [])
                #expect(register.overdue(now: .seconds(15.5)) == ["a has waited 5.5 s for disk from host: x"])
                #expect(register.overdue(now: .seconds(99)) == [])
            }
            #expect(register.going.map(\.thread) == ["a"])
        }
        #expect(register.going.isEmpty)
        struct Trouble: Error {}
        #expect(throws: Trouble.self) { try register.during(.init(thread: "a", resource: "r", holder: "h")) { throw Trouble() } }
        #expect(register.going.isEmpty)
    }

    /// Whoever has no register at hand enters what it does in that of its thread's role.
    @Test func theRegisterOfThisThread() {
        let register = WaitRegister()
        var seen: [String] = []
        waiting(.init(thread: "a", resource: "r", holder: "h")) { seen += register.going.map(\.thread) }
        WaitRegister.$current.withValue(register) {
            waiting(.init(thread: "a", resource: "r", holder: "h")) { seen += register.going.map(\.thread) }
        }
        #expect(seen == ["a"] && register.going.isEmpty)
    }

    @Test func stepsAreSeenFromOutside() {
        let clock = StepClock()
        var observer = StepObserver(clock)
        #expect(observer.look(now: .seconds(1)) == nil && observer.typical == nil)
        for _ in 0..<4 {
            clock.begin()
            clock.end()
        }
        #expect(observer.look(now: .seconds(2)) == nil && observer.typical == 0.25)
        clock.begin()
        #expect(observer.look(now: .seconds(3))?.step == 4)
        let hung = observer.look(now: .seconds(9))
        #expect(hung?.step == 4 && hung?.since == .seconds(3) && observer.typical == 0.25, "a step that does not end is no usual one")
        clock.end()
        #expect(observer.look(now: .seconds(10)) == nil)
    }
}
