import Environments
import Networks
import Platform
import Testing
import Wire

/// What keys change for the coordinator's machine.
@Suite struct MembershipKeyTests {
    private typealias Action = Membership.Action
    private let now = Time.seconds(100)
    private let actor = AllowedKey(name: "gpu-1", key: KeyPair.make().publicKey, roles: .actor)
    private let other = AllowedKey(name: "gpu-2", key: KeyPair.make().publicKey, roles: [.actor, .command])
    private let learner = AllowedKey(name: "big", key: KeyPair.make().publicKey, roles: .learner)

    private func membership(_ ledger: Membership.Ledger = Membership.Ledger(), maximumActors: Int = 4096) -> Membership {
        var settings = Membership.Settings(
            run: 7, runName: "r", runFile: "seed: 1", runDirectory: "/runs/r",
            assignment: ActorAssignment(
                environment: EnvironmentSettings("E"), slots: 1, unroll: 1, seed: 1, network: NetworkSettings(hidden: [])))
        settings.maximumActors = maximumActors
        var membership = Membership(settings, ledger: ledger, now: now)
        _ = membership.allow(AllowList([actor, other, learner]), now: now)
        return membership
    }

    private func hello(_ role: Role, _ token: UInt64, returning: MemberPlace? = nil, learner: LearnerLocation? = nil) -> ControlMessage {
        .hello(Hello(role: role, token: token, host: "h", pid: UInt32(token), returning: returning, learner: learner))
    }

    private func refusal(_ actions: [Action]) -> RefusalCode? {
        actions.compactMap { if case .send(_, .refusal(let refusal)) = $0 { refusal.code } else { nil } }.first
    }
    private func place(_ actions: [Action]) -> MemberPlace? {
        actions.compactMap { if case .send(_, .welcome(let welcome)) = $0 { welcome.place } else { nil } }.first
    }

    @Test func aKeyIsWhatItsRolesSay() {
        var membership = membership()
        #expect(refusal(membership.received(hello(.learner, 1), from: [1], key: actor, now: now)) == .forbidden)
        #expect(refusal(membership.received(hello(.actor, 2), from: [2], key: learner, now: now)) == .forbidden)
        #expect(refusal(membership.received(.adjust(maxLag: 3), from: [3], key: actor, now: now)) == .forbidden)
        #expect(refusal(membership.received(.adjust(maxLag: 3), from: [3], key: other, now: now)) == nil)
        for key in [actor, other, learner] {
            #expect(refusal(membership.received(.statusRequest(protocol: WireProtocol.version), from: [4], key: key, now: now)) == nil)
        }
        #expect(membership.refused == 3 && membership.status(now: now).members.isEmpty)
        #expect(place(membership.received(hello(.actor, 5), from: [5], key: actor, now: now)) != nil)
        #expect(membership.status(now: now).members.first?.identity == actor.identity)
    }

    @Test func aLearnerListensWithTheKeyThatItProves() {
        var membership = membership()
        var location = LearnerLocation(rollouts: "tcp://h:1", weights: "tcp://h:2", life: 0)
        #expect(refusal(membership.received(hello(.learner, 1, learner: location), from: [1], key: learner, now: now)) == .forbidden)
        location.key = actor.key
        #expect(refusal(membership.received(hello(.learner, 1, learner: location), from: [1], key: learner, now: now)) == .forbidden)
        location.key = learner.key
        #expect(refusal(membership.received(hello(.learner, 1, learner: location), from: [1], key: learner, now: now)) == nil)
    }

    @Test func theLearnerHearsWhoIsAllowed() {
        var membership = membership()
        let list = AllowList([actor, other, learner])
        #expect(membership.received(hello(.learner, 1), from: [1], key: learner, now: now).contains(.send([1], .allowList(list))))
        let fewer = AllowList([other, learner])
        #expect(membership.allow(fewer, now: now).first == .send([1], .allowList(fewer)))
        // An actor does not.
        #expect(!membership.received(hello(.actor, 2), from: [2], key: other, now: now).contains(.send([2], .allowList(fewer))))
    }

    @Test func whoseKeyIsRevokedIsGone() {
        var membership = membership()
        _ = membership.received(hello(.learner, 1), from: [1], key: learner, now: now)
        _ = membership.received(hello(.actor, 2), from: [2], key: actor, now: now)
        _ = membership.received(hello(.actor, 3), from: [3], key: other, now: now)
        let actions = membership.allow(AllowList([other, learner]), now: now)
        #expect(actions.contains(.send([1], .departed(rank: 0, incarnation: 0, cause: "its key was revoked", ended: true))))
        #expect(membership.status(now: now).members.map { $0.identity?.name } == ["gpu-2", "big"])
        // Allowed, but not as an actor any more.
        var lesser = other
        lesser.roles = .command
        _ = membership.allow(AllowList([lesser, learner]), now: now)
        #expect(membership.status(now: now).members.map { $0.identity?.name } == ["big"])
    }

    @Test func aPlaceStaysWithItsKey() {
        var membership = membership()
        let first = membership.received(hello(.actor, 1), from: [1], key: actor, now: now)
        // The token alone does not make another process the same member.
        #expect(refusal(membership.received(hello(.actor, 1), from: [2], key: other, now: now)) == .forbidden)
        #expect(membership.status(now: now).members.first?.identity == actor.identity)
        // Nor does it help to say that one returns, also to a coordinator that was started again.
        let kept = first.compactMap { if case .persist(let ledger) = $0 { ledger } else { nil } }.last!
        #expect(kept.holders == [0: actor.identity])
        var after = self.membership(kept)
        let back = MemberPlace(rank: 0, incarnation: 0)
        #expect(refusal(after.received(hello(.actor, 9, returning: back), from: [9], key: other, now: now)) == .forbidden)
        #expect(place(after.received(hello(.actor, 1, returning: back), from: [1], key: actor, now: now)) == back)
    }

    @Test func aRunTakesSoManyMembers() {
        var membership = membership(maximumActors: 3)
        for token in 1...3 { #expect(refusal(membership.received(hello(.actor, UInt64(token)), from: [UInt8(token)], key: actor, now: now)) == nil) }
        #expect(refusal(membership.received(hello(.actor, 4), from: [4], key: actor, now: now)) == .overload)
        // Who is in stays in, and the learner always finds a place.
        #expect(refusal(membership.received(hello(.actor, 3), from: [30], key: actor, now: now)) == nil)
        #expect(refusal(membership.received(hello(.learner, 5), from: [5], key: learner, now: now)) == nil)
    }
}
