import Environments
import Networks
import Platform
import Rollouts
import Tensors
import Wire
import Workers

/// Draws responses to tasks with a token policy, has them judged, and ships whole groups as they become complete.
///
/// Slots are refilled at once, so that nobody waits for the longest response: a group whose responses are not finished when a rollout is
/// shipped goes on in the next one, with newer weights if there are any. What it draws is a pure function of the seed, the actor's place and
/// the versions that it was given before each rollout.
///
/// What happens to a group from its task to its judgement: `TokenSampler+Groups`.
public final class TokenSampler: RolloutSource {
    public let transformer: Transformer
    let environment: any TokenEnvironment
    let verifier: VerifierDesk
    let plan: GroupPlan
    let sampling: SamplingSettings
    let slots: Int
    let tasks: Tasks
    let place: MemberPlace
    private let weights: Weights
    let generator: Generator
    var draw: TaskDraw
    private let clock: StepClock

    /// By number; those that were begun and not yet shipped.
    var open: [UInt64: OpenGroup] = [:]
    var nextGroup: UInt64 = 0
    /// Responses that were asked for and are not finished.
    var asked = 0
    /// Complete groups that no rollout has taken yet.
    var complete: [ResponseGroup] = []
    var leftOut = LeftOut()
    /// What the rollouts so far have taken.
    private var shippedWork = DecodingWork()
    /// Responses that new weights have thrown away, to be asked for again.
    private var dropped: [(group: UInt64, member: Int)] = []
    private var sequence: UInt64 = 1
    var version: UInt64 = 0
    private var life: UInt32 = 0
    var failures: [SlotFailure] = []

    public var layout: ParameterLayout { transformer.layout }
    public var guidance: Int { TaskDraw.count(environment, sampling.tasks) + (plan.adaptiveTemperature > 0 ? 3 : 0) }

    /// Which tasks are drawn.
    public enum Tasks: Sendable {
        /// Those of training, as the assignment says.
        case training
        /// Those that are held out, one after the other.
        case heldOut
        /// Those of training, one after the other.
        case inOrder
    }

    /// - Parameter place: who draws; decides the random numbers.
    public init(
        _ assignment: ActorAssignment, _ tokens: TokenAssignment, place: MemberPlace, tasks: Tasks = .training, catalogue: TokenEnvironmentCatalogue = .current,
        clock: StepClock = StepClock()
    ) throws {
        self.place = place
        self.clock = clock
        self.tasks = tasks
        slots = assignment.slots
        plan = tokens.plan
        sampling = tokens.sampling
        environment = try catalogue.resolve(assignment.environment)
        verifier = VerifierDesk(environment)
        transformer = try Transformer(TransformerSettings(tokens.transformer, place: "the assignment's transformer"))
        weights = Weights(transformer.layout)
        var settings = GenerationSettings(longestResponse: sampling.longestResponse, stop: environment.vocabulary.stop)
        settings.slots = slots
        settings.temperature = sampling.temperature
        settings.topP = sampling.topP
        settings.keepsEntropy = plan.keepsEntropy
        settings.seed = assignment.seed
        settings.actor = place.rank
        settings.incarnation = place.incarnation
        generator = try Generator(transformer, weights, version: 0, settings)
        draw = TaskDraw(
            environment, sampling.tasks, tasks: tasks,
            key: RandomKey(seed: assignment.seed, purpose: .environment, actor: place.rank, incarnation: place.incarnation))
        guard guidance == tokens.guidance else {
            throw TokenTaskError(
                problem: "the learner guides \(tokens.guidance) weights of tasks, here there are \(guidance)", place: "tokens.curriculum",
                remedy: "Run one version of Apus and one environment everywhere.")
        }
    }

    public func load(_ parameters: UnsafeRawBufferPointer, version: UInt64, life: UInt32 = 0) {
        let bytes = transformer.layout.count * 4
        precondition(parameters.count == bytes + guidance * 4, "\(parameters.count) bytes for \(transformer.layout.count) + \(guidance) numbers")
        weights.flat.withMutableBuffer { UnsafeMutableRawBufferPointer($0).copyMemory(from: UnsafeRawBufferPointer(rebasing: parameters[..<bytes])) }
        let guide = UnsafeRawBufferPointer(rebasing: parameters[bytes...]).assumingMemoryBound(to: Float.self)
        draw.load(UnsafeBufferPointer(rebasing: guide[..<TaskDraw.count(environment, sampling.tasks)]))
        if plan.adaptiveTemperature > 0 {
            let scale = AdaptiveTemperature(
                strength: plan.adaptiveTemperature, pivot: guide[guide.count - 3], above: guide[guide.count - 2], below: guide[guide.count - 1])
            generator.temperatures = { [temperature = sampling.temperature] in scale($0, temperature: temperature) }
        }
        (self.version, self.life) = (version, life)
        // What would be read again with the new weights is thrown away first.
        let restarted = sampling.changes == .drop ? generator.open.compactMap { generator.remove($0.id) } : []
        generator.load(weights, version: version)
        for response in restarted {
            asked -= 1
            dropped.append(Self.place(of: response.id))
        }
    }

    public func takeFailures() -> [SlotFailure] {
        defer { failures = [] }
        return failures
    }

    public func collect() throws -> Rollout {
        for (group, member) in dropped { try ask(group, member) }
        dropped = []
        let groups = plan.window > 0 ? try collectWindow() : try collectGroups()
        defer { sequence += 1 }
        var block = ResponseBlock(groups, version: version)
        block.work = takeWork()
        return Rollout(
            id: RolloutID(actor: place.rank, incarnation: place.incarnation, sequence: sequence), version: version, life: life,
            drawn: groups.reduce(0) { $0 + $1.drawnTokens }, responses: block)
    }

    /// What the slots have done since the rollout before.
    private func takeWork() -> DecodingWork {
        let all = DecodingWork(steps: generator.steps, busySlots: generator.drawn, slots: generator.steps * slots)
        defer { shippedWork = all }
        return DecodingWork(
            steps: all.steps - shippedWork.steps, busySlots: all.busySlots - shippedWork.busySlots, slots: all.slots - shippedWork.slots)
    }

    /// Whole groups, in the order in which they became complete.
    private func collectGroups() throws -> [ResponseGroup] {
        if sampling.changes == .wait { for _ in complete.count..<max(sampling.groups, complete.count) { try begin() } }
        while complete.count < sampling.groups {
            try refill(upTo: sampling.groups)
            try advance()
        }
        defer { complete.removeFirst(sampling.groups) }
        return Array(complete.prefix(sampling.groups))
    }

    /// What all slots draw in `window` steps: parts of responses, and their ends where they have come.
    private func collectWindow() throws -> [ResponseGroup] {
        var shipped: [ResponseGroup] = []
        while shipped.isEmpty {
            for _ in 0..<plan.window {
                try refill(upTo: 0)
                try advance()
            }
            var running: [UInt64: Response] = [:]
            for response in generator.open { running[response.id] = response }
            for number in open.keys.sorted() {
                if let part = try ship(&open[number]!, running) { shipped.append(part) }
                if open[number]!.members.allSatisfy(\.isShipped) { open[number] = nil }
            }
        }
        return shipped
    }

    /// Keeps the slots busy, where responses may go on in the next rollout; replaces what was left out, where they may not.
    private func refill(upTo groups: Int) throws {
        if sampling.changes == .wait, plan.window == 0 {
            while open.count + complete.count < groups { try begin() }
        } else {
            while asked < slots { try begin() }
        }
    }

    /// One token in every slot.
    private func advance() throws {
        clock.begin()
        defer { clock.end() }
        for response in generator.step() { try finished(response) }
    }
}
