import Acting
import Environments
import Platform
import Rollouts
import Runs
import Tensors
import Wire

/// The actors of a run that is made again: each is started when its first rollout is needed, and acts with the weights that the ledger
/// names.
struct ReplayedActors {
    private typealias Place = LedgerState.Incarnation

    private let history: LedgerHistory
    private let specs: [UInt32: RunSpec]
    private let catalogue: EnvironmentCatalogue
    private var samplers: [Place: Sampler] = [:]
    /// How many rollouts of each incarnation were made.
    private var made: [Place: UInt64] = [:]
    /// The last rollout of each incarnation that is needed; what it made after that was trained on by nobody.
    private var last: [Place: UInt64] = [:]
    /// How often each policy will still act: its weights are kept as long.
    private var uses: [LedgerHistory.Acting: Int] = [:]
    private var weights: [LedgerHistory.Acting: SharedBytes] = [:]
    /// How often rollouts will still be trained on that are trained on more than once: in a life that was undone, and after it.
    private var repeats: [RolloutID: Int] = [:]
    private var kept: [RolloutID: Rollout] = [:]

    init(_ history: LedgerHistory, _ steps: ArraySlice<LedgerHistory.Step>, _ specs: [UInt32: RunSpec], _ catalogue: EnvironmentCatalogue) {
        self.history = history
        self.specs = specs
        self.catalogue = catalogue
        var seen: Set<RolloutID> = []
        for step in steps {
            switch step {
            case .began: break
            case .trained(_, let ids), .refused(let ids):
                for id in ids {
                    last[Place(id), default: 0] = max(last[Place(id), default: 0], id.sequence)
                    if !seen.insert(id).inserted { repeats[id, default: 1] += 1 }
                }
            }
        }
        for (place, actor) in history.actors {
            for acting in actor.acting.prefix(Int(last[place] ?? 0)) { uses[acting, default: 0] += 1 }
        }
    }

    /// A life of the learner has made these weights.
    mutating func publish(_ parameters: SharedBytes, _ acting: LedgerHistory.Acting) {
        if uses[acting] != nil { weights[acting] = parameters }
    }

    /// The rollout as its actor has made it.
    mutating func rollout(_ id: RolloutID) throws -> Rollout {
        if let rollout = kept[id] {
            repeats[id]! -= 1
            if repeats[id] == 0 { kept[id] = nil }
            return rollout
        }
        let place = Place(id)
        let sampler = try samplers[place] ?? start(place, id)
        samplers[place] = sampler
        while true {
            let next = RolloutID(actor: id.actor, incarnation: id.incarnation, sequence: made[place, default: 0] + 1)
            guard next.sequence <= id.sequence, let acting = history[next], let parameters = weights[acting] else {
                throw ReplayError.unknownActor(next.sequence <= id.sequence ? next : id)
            }
            parameters.withBytes { sampler.load($0, version: acting.version, life: acting.life) }
            let rollout = try sampler.collect()
            made[place] = next.sequence
            release(acting)
            if let number = repeats[next] {
                kept[next] = rollout
                repeats[next] = number - (next == id ? 1 : 0)
            }
            if next.sequence == last[place] { samplers[place] = nil }
            if next == id { return rollout }
        }
    }

    private mutating func release(_ acting: LedgerHistory.Acting) {
        uses[acting]! -= 1
        guard uses[acting] == 0 else { return }
        uses[acting] = nil
        weights[acting] = nil
    }

    private func start(_ place: Place, _ id: RolloutID) throws -> Sampler {
        guard let actor = history.actors[place], actor.slots > 0, let spec = specs[actor.joined] else { throw ReplayError.unknownActor(id) }
        var assignment = try ActorAssignment(spec)
        assignment.slots = actor.slots
        return try Sampler(assignment, place: MemberPlace(rank: place.actor, incarnation: place.number), credits: 1, catalogue: catalogue)
    }
}

extension LedgerState.Incarnation {
    fileprivate init(_ id: RolloutID) { self.init(actor: id.actor, number: id.incarnation) }
}
