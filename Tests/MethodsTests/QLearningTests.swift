import Methods
import Networks
import Rollouts
import TestSupport
import Tensors
import Testing

@Suite struct QLearningTests {
    private let observations = 3, actions = 4

    private func network(_ edit: (inout NetworkSettings) -> Void = { _ in }) throws -> QNetwork {
        var settings = NetworkSettings(hidden: [5])
        edit(&settings)
        return try QNetwork(observation: .box(shape: [observations]), action: .discrete(actions), settings)
    }

    private func weights(_ network: QNetwork, _ dice: inout Dice) -> Weights {
        let weights = Weights(network.layout)
        weights.flat.withMutableBuffer { for k in $0.indices { $0[k] = Float.random(in: -0.7...0.7, using: &dice) } }
        return weights
    }

    private func method(_ edit: (inout QLearning) -> Void = { _ in }) -> QLearning {
        var method = QLearning.apexDQN(discount: 0.9, returnSteps: 2)
        edit(&method)
        return method
    }

    private func evaluate(
        _ method: QLearning, _ batch: RolloutBatch, _ network: QNetwork, _ weights: Weights, target: Weights
    ) -> (result: QLearning.BatchLoss, gradient: [Float]) {
        weights.zeroGradient()
        let tape = Tape()
        let result = method.loss(
            batch, network: network, parameters: weights.parameters(on: tape), constants: weights.parameters(), target: target.parameters())
        tape.backward(result.loss)
        return (result, weights.gradient.values)
    }

    /// Q of the two streams in double precision.
    private func values(_ x: [Double], _ w: [Double]) -> [Double] {
        // The same order of parameters as an actor–critic's: its policy head gives advantages.
        var offset = 0
        func layer(_ x: [Double], _ outputs: Int) -> [Double] {
            let bias = offset + outputs * x.count
            defer { offset = bias + outputs }
            return (0..<outputs).map { o in x.indices.reduce(w[bias + o]) { $0 + w[offset + o * x.count + $1] * x[$1] } }
        }
        let torso = layer(x, 5).map(tanhOf)
        let advantages = layer(torso, actions)
        let value = layer(torso, 1)[0]
        return advantages.map { value + $0 - advantages.reduce(0, +) / Double(actions) }
    }

    /// The loss and the errors written out step by step in double precision. Targets are constants made at `anchor`.
    private func written(
        _ method: QLearning, _ batch: RolloutBatch, anchor: [Double], target: [Double]
    ) -> (loss: ([Double]) -> Double, errors: [Int: Double]) {
        let (steps, slots) = (batch.steps, batch.slots)
        let all = batch.observation.vectors.values.map(Double.init)
        let finals = batch.finalObservation.vectors.values.map(Double.init)
        func row(_ t: Int, _ n: Int) -> [Double] { Array(all[((t * slots + n) * observations)..<((t * slots + n + 1) * observations)]) }
        func best(_ q: [Double]) -> Int { q.indices.max { q[$0] < q[$1] }! }
        var targets: [Int: Double] = [:]
        for n in 0..<slots {
            for t in batch.burnIn..<steps {
                var (sum, k, value) = (0.0, t, Double?.none)
                while true {
                    let index = k * slots + n
                    sum += powerOf(Double(method.discount), k - t) * Double(batch.reward.values[index])
                    let isCut = batch.truncated[index] != 0
                    if batch.terminated[index] != 0 { break }
                    guard isCut || k - t + 1 == method.returnSteps || k == steps - 1 else {
                        k += 1
                        continue
                    }
                    var observation = row(k + 1, n)
                    if isCut {
                        let row = batch.finalIndex.firstIndex(of: Int32(index))!
                        observation = Array(finals[(row * observations)..<((row + 1) * observations)])
                    }
                    let choice = best(values(observation, method.isDouble ? anchor : target))
                    value = values(observation, target)[choice]
                    break
                }
                let ended = batch.terminated[k * slots + n] != 0 || batch.truncated[k * slots + n] != 0
                guard ended || k - t + 1 == method.returnSteps || method.trainsOnShortReturns else { continue }
                let h = method.rescaling
                if let value { sum += powerOf(Double(method.discount), k - t + 1) * (h?.inverse(value) ?? value) }
                targets[t * slots + n] = h?(sum) ?? sum
            }
        }
        func error(_ index: Int, _ w: [Double]) -> Double {
            targets[index]! - values(row(index / slots, index % slots), w)[Int(batch.choices[index])]
        }
        let loss = { (w: [Double]) -> Double in
            targets.keys.sorted().reduce(0.0) { sum, index in
                let delta = abs(error(index, w))
                let cost: Double =
                    switch method.cost {
                    case .squared: delta * delta / 2
                    case .huber(let k): delta <= Double(k) ? delta * delta / 2 : Double(k) * (delta - Double(k) / 2)
                    }
                return sum + Double(batch.weight.values[index % slots]) * cost / Double(targets.count)
            }
        }
        return (loss, Dictionary(uniqueKeysWithValues: targets.keys.map { ($0, error($0, anchor)) }))
    }

    static let variants: [@Sendable (inout QLearning) -> Void] = [
        { _ in }, { $0.isDouble = false }, { $0.returnSteps = 1 }, { $0.returnSteps = 20 },
        { ($0.rescaling, $0.cost, $0.trainsOnShortReturns) = (ValueRescaling(), .squared, true) },
        { ($0.cost, $0.returnSteps, $0.trainsOnShortReturns) = (.huber(0.2), 3, true) },
    ]

    @Test(arguments: variants.indices) func lossAndGradientAreThoseWrittenOut(variant: Int) throws {
        var dice = Dice(state: 21 + UInt64(variant))
        let network = try network()
        var batch = randomBatch(
            steps: 6, slots: 3, observations: observations, actions: actions, terminated: [4, 12], truncated: [7, 15, 2], &dice)
        batch.reward = batch.reward * 2
        let (weights, target) = (weights(network, &dice), weights(network, &dice))
        var method = method(Self.variants[variant])
        // A window shorter than n: its first steps count as whole.
        if method.returnSteps == 20 { method.trainsOnShortReturns = true }
        let anchor = weights.flat.values.map(Double.init)
        let (loss, errors) = written(method, batch, anchor: anchor, target: target.flat.values.map(Double.init))
        let (result, gradient) = evaluate(method, batch, network, weights, target: target)
        #expect(abs(Double(result.loss.scalar) - loss(anchor)) < 1e-5)
        for k in anchor.indices {
            var (up, down) = (anchor, anchor)
            up[k] += 1e-5
            down[k] -= 1e-5
            let difference = (loss(up) - loss(down)) / 2e-5
            #expect(abs(Double(gradient[k]) - difference) < 3e-5, "parameter \(k): \(gradient[k]) against \(difference)")
        }
        for n in 0..<3 {
            let own = errors.filter { $0.key % 3 == n }.map { abs($0.value) }
            let priority = 0.9 * own.max()! + 0.1 * own.reduce(0, +) / Double(own.count)
            #expect(abs(Double(result.priorities[n]) - priority) < 1e-5)
        }
        let metrics = Dictionary(uniqueKeysWithValues: result.metrics.map { ($0.name, $0.value) })
        #expect(abs(Double(metrics["td_error"]!) - errors.values.reduce(0) { $0 + abs($1) } / Double(errors.count)) < 1e-5)
        #expect(metrics.keys.sorted() == ["q_mean", "target_mean", "td_error"])
    }

    @Test func aShortWindowTrainsItsFirstStep() throws {
        var dice = Dice(state: 5)
        let network = try network()
        let batch = randomBatch(steps: 3, slots: 2, observations: observations, actions: actions, &dice)
        let (weights, target) = (weights(network, &dice), weights(network, &dice))
        let short = evaluate(method { $0.returnSteps = 9 }, batch, network, weights, target: target)
        let exact = evaluate(method { $0.returnSteps = 3 }, batch, network, weights, target: target)
        #expect(short.gradient == exact.gradient && short.result.loss.scalar == exact.result.loss.scalar)
    }

    // MARK: Memory

    /// A rollout of random steps, and a batch of it. `states` are what each step is entered with.
    private func play(
        _ network: QNetwork, _ weights: Weights, steps: Int, slots: Int, ends: Set<Int>, cuts: Set<Int>, _ dice: inout Dice
    ) throws -> (rollout: Rollout, states: [Tensor]) {
        let width = network.stateCount
        let builder = RolloutBuilder(
            observation: network.observationSpace, action: network.actionSpace, stateCount: width, steps: steps, slots: slots)
        builder.recurrentState.update(repeating: 0)
        var states = [Tensor(zeros: [slots, width])]
        for t in 0...steps {
            for k in 0..<slots * observations { builder.observation(t, as: Float.self)[k] = Float.random(in: -1...1, using: &dice) }
        }
        for t in 0..<steps {
            let observation = Observations(
                Tensor(Array(builder.observation(t, as: Float.self)), [slots, observations]), network.observationSpace)
            let output = network(observation, weights.parameters(), unroll: Unroll(state: states[t]))
            let next = Tensor(try #require(output.state).values, [slots, width])
            for b in 0..<slots {
                let index = t * slots + b
                builder.action(t, as: Int32.self)[b] = Int32.random(in: 0..<Int32(actions), using: &dice)
                builder.behaviourLogProb(t)[b] = -1
                builder.reward(t)[b] = Float.random(in: -1...1, using: &dice)
                builder.terminated(t)[b] = ends.contains(index) ? 1 : 0
                builder.truncated(t)[b] = cuts.contains(index) ? 1 : 0
                guard ends.contains(index) || cuts.contains(index) else { continue }
                let final = (0..<observations).map { _ in Float.random(in: -1...1, using: &dice) }
                final.withUnsafeBytes { builder.appendEnded(step: t, slot: b, finalObservation: $0, episodeReturn: 1, length: 1) }
                next.withMutableBuffer { state in for k in 0..<width { state[b * width + k] = 0 } }
            }
            states.append(next)
        }
        return (builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0), states)
    }

    /// The steps from `start` on, as a replay would give them: entered with `state`, the first `burnIn` of them without a loss.
    private func window(_ whole: Rollout, _ network: QNetwork, from start: Int, state: Tensor, burnIn: Int) throws -> RolloutBatch {
        let (steps, slots) = (whole.steps - start, whole.slots)
        let builder = RolloutBuilder(
            observation: network.observationSpace, action: network.actionSpace, stateCount: network.stateCount, steps: steps, slots: slots)
        state.withBuffer { _ = builder.recurrentState.update(fromContentsOf: $0) }
        let width = slots * observations
        for t in 0...steps {
            for k in 0..<width { builder.observation(t, as: Float.self)[k] = whole.observation.number((start + t) * width + k, Float.self) }
        }
        for t in 0..<steps {
            for b in 0..<slots {
                let index = (start + t) * slots + b
                builder.action(t, as: Int32.self)[b] = whole.action.number(index, Int32.self)
                builder.behaviourLogProb(t)[b] = whole.behaviourLogProb.number(index, Float.self)
                builder.reward(t)[b] = whole.reward.number(index, Float.self)
                builder.terminated(t)[b] = whole.terminated.number(index, UInt8.self)
                builder.truncated(t)[b] = whole.truncated.number(index, UInt8.self)
                guard let row = (0..<whole.finalIndex.elementCount).first(where: { whole.finalIndex.number($0, Int32.self) == Int32(index) })
                else { continue }
                let final = (0..<observations).map { whole.finalObservation.number(row * observations + $0, Float.self) }
                final.withUnsafeBytes { builder.appendEnded(step: t, slot: b, finalObservation: $0, episodeReturn: 1, length: 1) }
            }
        }
        return batch([builder.finish(id: whole.id, version: 0)]).burning(burnIn)
    }

    /// Whatever way a sequence's first trained step is reached, Q of the rest is that of the whole episode from its start: with the state that
    /// is stored there, or with an older one and burn-in under the same weights, over ends of episodes and without.
    @Test(arguments: [MemoryKind.gru, .lstm]) func statesAreExact(_ memory: MemoryKind) throws {
        var dice = Dice(state: 8)
        let network = try network { ($0.memory, $0.memoryWidth) = (memory, 4) }
        let weights = weights(network, &dice)
        // Slot 0 runs through; slot 1 ends in the burn-in, with its last step and after it; slot 2 in the step where the loss begins.
        let (rollout, states) = try play(network, weights, steps: 9, slots: 3, ends: [4, 13], cuts: [10, 17, 19], &dice)
        let whole = batch([rollout])
        let method = method { ($0.returnSteps, $0.trainsOnShortReturns) = (3, true) }
        let other = self.weights(network, &dice)

        /// Q of the steps from `first` on and of their successors, over the whole batch.
        func values(_ batch: RolloutBatch) -> [QLearning.BatchLoss] {
            [method, self.method { ($0.isDouble, $0.returnSteps, $0.trainsOnShortReturns) = (false, 1, true) }].map {
                $0.loss(batch, network: network, parameters: weights.parameters(), constants: weights.parameters(), target: weights.parameters())
            }
        }
        let first = 4
        let reference = values(whole.burning(first))
        for start in 0..<first {
            let found = values(try window(rollout, network, from: start, state: states[start], burnIn: first - start))
            for (a, b) in zip(found, reference) {
                #expect(a.loss.scalar == b.loss.scalar && a.priorities == b.priorities, "from step \(start)")
                #expect(a.metrics.map(\.value) == b.metrics.map(\.value))
            }
        }
        // Without burn-in from the stored state.
        let stored = values(try window(rollout, network, from: first, state: states[first], burnIn: 0))
        for (a, b) in zip(stored, reference) { #expect(a.loss.scalar == b.loss.scalar && a.priorities == b.priorities) }
        // A state of other weights is not exact; burn-in brings it nearer, and entering with 0 is something else again.
        let stale = try play(network, other, steps: 0 + 1, slots: 3, ends: [], cuts: [], &dice).states[1]
        let raw = values(try window(rollout, network, from: first, state: stale, burnIn: 0))[0]
        #expect(raw.loss.scalar != reference[0].loss.scalar)
        var zero = method
        zero.usesStoredState = false
        func entered(_ method: QLearning, _ state: Tensor) throws -> Float {
            method.loss(
                try window(rollout, network, from: first, state: state, burnIn: 0), network: network, parameters: weights.parameters(),
                constants: weights.parameters(), target: weights.parameters()
            ).loss.scalar
        }
        #expect(try entered(zero, stale) == entered(method, Tensor(zeros: stale.shape)))
        #expect(try entered(zero, states[first]) != entered(method, states[first]))
    }

    /// The burn-in has no gradient: with it, the gradient is the one from the state that it leads to.
    @Test func burnInHasNoGradient() throws {
        var dice = Dice(state: 18)
        let network = try network { ($0.memory, $0.memoryWidth) = (.gru, 4) }
        let (weights, target) = (weights(network, &dice), weights(network, &dice))
        let (rollout, states) = try play(network, weights, steps: 7, slots: 2, ends: [5], cuts: [8], &dice)
        let method = method { $0.trainsOnShortReturns = true }
        let burnt = evaluate(method, try window(rollout, network, from: 0, state: states[0], burnIn: 3), network, weights, target: weights)
        let direct = evaluate(method, try window(rollout, network, from: 3, state: states[3], burnIn: 0), network, weights, target: weights)
        #expect(burnt.gradient == direct.gradient)
        // The target network walks through the burn-in with its own weights.
        let own = evaluate(method, try window(rollout, network, from: 0, state: states[0], burnIn: 3), network, weights, target: target)
        let foreign = evaluate(method, try window(rollout, network, from: 3, state: states[3], burnIn: 0), network, weights, target: target)
        #expect(own.result.loss.scalar != foreign.result.loss.scalar)
    }

    // MARK: Learner

    @Test func theTargetIsCopiedInTimeAndSurvivesARestart() throws {
        var dice = Dice(state: 3)
        let network = try network()
        let batches = (0..<9).map { _ in
            randomBatch(steps: 4, slots: 2, observations: observations, actions: actions, terminated: [3], truncated: [4], &dice)
        }
        let method = method { $0.targetSteps = 3 }
        let setting = LearnerSetting(network: network, seed: 4)
        let learner = try method.learner(setting)
        func update(_ learner: any Learner, _ index: Int) throws -> LearnerReport {
            try learner.update(batches[index], at: Moment(version: UInt64(index), learningRate: 0.05))
        }
        // What the target network is, seen from outside: the loss with a copy of the weights of the last renewal.
        var target = learner.weights.copy()
        var resumed: (any Learner)?
        for index in 0..<9 {
            let expected = method.loss(
                batches[index], network: network, parameters: learner.weights.parameters(), constants: learner.weights.parameters(),
                target: target.parameters())
            let report = try update(learner, index)
            #expect(report.loss == expected.loss.scalar && report.priorities == expected.priorities && report.gradientNorm > 0)
            if let resumed {
                #expect(try update(resumed, index).loss == report.loss)
                #expect(resumed.weights.flat.values == learner.weights.flat.values)
            }
            if index % 3 == 2 { target = learner.weights.copy() }
            if index == 4 {
                let other = try method.learner(LearnerSetting(network: network, seed: 99))
                let (from, to) = (learner.weights.flat.values, other.weights.flat)
                to.withMutableBuffer { _ = $0.update(fromContentsOf: from) }
                try other.restore(learner.state)
                resumed = other
            }
        }
        #expect(throws: LearnerStateError.self) {
            try learner.restore(learner.state.filter { $0.name != "target.weights" })
        }
    }

    @Test func nothingChangesOnANonFiniteLoss() throws {
        var dice = Dice(state: 3)
        let network = try network()
        let bad = randomBatch(steps: 4, slots: 2, observations: observations, actions: actions, &dice)
        bad.reward.withMutableBuffer { $0[3] = .infinity }
        let learner = try method { $0.targetSteps = 1 }.learner(LearnerSetting(network: network))
        let before = learner.weights.flat.values
        #expect(throws: NonFiniteGradient.self) { try learner.update(bad, at: Moment(learningRate: 0.1)) }
        #expect(learner.weights.flat.values == before)
    }

    /// One state, reward 1, every tenth step truncated: Q goes to 1 / (1 − γ).
    @Test func theInfiniteLoop() throws {
        let network = try QNetwork(observation: .box(shape: [1]), action: .discrete(2), NetworkSettings(hidden: []))
        let builder = RolloutBuilder(observation: network.observationSpace, action: network.actionSpace, steps: 10, slots: 1)
        for t in 0...10 { builder.observation(t, as: Float.self)[0] = 1 }
        for t in 0..<10 {
            builder.action(t, as: Int32.self)[0] = Int32(t % 2)
            (builder.behaviourLogProb(t)[0], builder.reward(t)[0]) = (-1, 1)
            (builder.terminated(t)[0], builder.truncated(t)[0]) = (0, t == 9 ? 1 : 0)
        }
        [Float(1)].withUnsafeBytes { builder.appendEnded(step: 9, slot: 0, finalObservation: $0, episodeReturn: 10, length: 10) }
        let episode = batch([builder.finish(id: RolloutID(actor: 0, incarnation: 0, sequence: 1), version: 0)])
        let method = QLearning.apexDQN(discount: 0.8, returnSteps: 3, huber: .infinity, targetSteps: 5)
        let learner = try method.learner(LearnerSetting(network: network))
        for version in 0..<600 { _ = try learner.update(episode, at: Moment(version: UInt64(version), learningRate: 0.03)) }
        let q = network(Observations(Tensor([1], [1, 1]), network.observationSpace), learner.weights.parameters()).policy.values
        #expect(q.allSatisfy { abs($0 - 5) < 0.05 }, "\(q)")
    }

    @Test func theNetworkMustGiveWhatTheMethodTakes() {
        let policy = TestSupport.network(observations: 3, actions: 4, hidden: [5])
        #expect(throws: MethodError.self) { try QLearning.dqn().learner(LearnerSetting(network: policy)) }
        #expect(throws: MethodError.self) { try Method.ppo().learner(LearnerSetting(network: network())) }
    }

    @Test func theCatalogueMakesThem() throws {
        for id in ["dqn", "apex-dqn", "r2d2"] {
            let entry = try MethodCatalogue.standard.method(id: id)
            let method = try #require(entry.defaults as? QLearning)
            #expect(method.name == id && method.staleness == .any && method.networkID == "q_network" && method.data.trainsOnLive == false)
            for option in entry.options { #expect(option.allowsDefault) }
        }
        let apex = try #require(MethodCatalogue.standard.make(id: "apex-dqn") as? QLearning)
        let plan = try #require(apex.data.replay)
        #expect(plan.selector == .prioritized && plan.priorityExponent == 0.6 && plan.importanceExponent == 0.4 && plan.overlap == 2)
        #expect(apex.exploration == .epsilonGreedy(EpsilonLadder(base: 0.4, exponent: 7)) && apex.isDouble && apex.cost == .huber(1))
        let options: [String: Double] = [
            "discount": 0.5, "n_steps": 7, "burn_in": 3, "stored_state": 0, "rescale": 0, "target_steps": 9, "priority_max": 0.25, "epsilon": 0.5,
            "epsilon_exponent": 2, "epsilon_decay": 11,
        ]
        #expect(Set(options.keys) == Set(try MethodCatalogue.standard.method(id: "r2d2").options.map(\.name)))
        let r2d2 = try #require(MethodCatalogue.standard.make(id: "r2d2", options: options) as? QLearning)
        #expect(r2d2.discount == 0.5 && r2d2.returnSteps == 7 && r2d2.data.replay?.burnIn == 3 && !r2d2.usesStoredState && r2d2.rescaling == nil)
        #expect(r2d2.targetSteps == 9 && r2d2.priorityMaximum == 0.25)
        #expect(r2d2.exploration == .epsilonGreedy(EpsilonLadder(base: 0.5, exponent: 2, decayVersions: 11)))
    }
}

extension MethodOption {
    fileprivate var allowsDefault: Bool { range.contains(defaultValue) && !documentation.isEmpty }
}

extension Column {
    fileprivate func number<Element: BitwiseCopyable>(_ index: Int, _ type: Element.Type) -> Element {
        bytes.withBytes { $0.loadUnaligned(fromByteOffset: index * MemoryLayout<Element>.stride, as: type) }
    }
}

extension RolloutBatch {
    /// The same with the first steps for the memory alone.
    fileprivate func burning(_ steps: Int) -> RolloutBatch {
        RolloutBatch(
            steps: self.steps, slots: slots, parts: parts, observation: observation, action: action, behaviourLogProb: behaviourLogProb,
            reward: reward, terminated: terminated, truncated: truncated, finalIndex: finalIndex, finalObservation: finalObservation,
            episodeReturns: episodeReturns, episodeLengths: episodeLengths, recurrentState: recurrentState,
            behaviourPolicy: behaviourPolicy, weight: weight, keys: keys,
            burnIn: steps)
    }
}
