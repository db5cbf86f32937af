import Environments
import Networks
import Platform
import Rollouts
import Tensors
import Wire
import Workers

/// A group from its task to its judgement.
extension TokenSampler {
    func begin() throws {
        let number = nextGroup
        nextGroup += 1
        let task = draw.task(group: number)
        // Evaluated is what was trained.
        var group = OpenGroup(number: number, task: task, prompt: tasks == .heldOut ? task.trainingPrompt ?? task.prompt : task.prompt)
        group.members = Array(repeating: OpenGroup.Member(), count: plan.roots)
        for choice in 0..<plan.demonstrations {
            guard let tokens = environment.demonstration(group.task, choice: UInt32(choice)) else { continue }
            var member = OpenGroup.Member()
            member.append(Array(tokens.prefix(sampling.longestResponse)), .forced, version: version, keepsEntropy: plan.keepsEntropy)
            (member.end, member.source) = (.stopped, .dataset)
            group.members.append(member)
        }
        if plan.greedyBaseline {
            var member = OpenGroup.Member()
            member.isBaseline = true
            group.members.append(member)
        }
        if let share = plan.hints.first, share > 0 {
            group.begin(behind: try hint(share, of: group), version: version, keepsEntropy: plan.keepsEntropy)
        }
        open[number] = group
        try askRoots(number)
    }

    /// Asks for all members that are drawn from the prompt. It is read once for those that begin together.
    private func askRoots(_ number: UInt64) throws {
        let group = open[number]!
        let draws = group.roots.filter { !group.members[$0].isBaseline }
        if let first = draws.first {
            let begun = group.members[first].tokens
            let ids = draws.map { Self.id(number, $0, request: group.members[$0].requests) }
            for member in draws { open[number]!.members[member].requests += 1 }
            asked += ids.count
            try generator.add(
                prompt: group.prompt + begun, responses: ids, longest: plan.limit(level: 0, left: room(group) - begun.count))
        }
        for member in group.roots where group.members[member].isBaseline { try ask(number, member) }
    }

    /// The tokens that a response of a group may have: behind the prompt, and behind the one that it is trained under.
    private func room(_ group: OpenGroup) -> Int {
        min(sampling.longestResponse, transformer.settings.context - max(group.prompt.count, group.task.trainingPrompt?.count ?? 0))
    }

    private func hint(_ share: Float, of group: OpenGroup) throws -> Hint {
        try Hint(share, group.task, environment, verifier, room: room(group))
    }

    /// A group without a correct response is drawn once more behind the next hint that says more than the last one. Returns whether there is one.
    private func drawAnew(_ number: UInt64) throws -> Bool {
        let group = open[number]!
        let known = group.roots.first.map { group.members[$0].hinted } ?? 0
        for stage in plan.hints.indices where stage > group.stage {
            let hint = try hint(plan.hints[stage], of: group)
            guard hint.tokens.count > known else { continue }
            open[number]!.stage = stage
            open[number]!.begin(behind: hint, version: version, keepsEntropy: plan.keepsEntropy)
            try askRoots(number)
            return true
        }
        return false
    }

    /// Asks for what follows the tokens of a member.
    func ask(_ number: UInt64, _ member: Int) throws {
        let group = open[number]!
        let one = group.members[member]
        open[number]!.members[member].requests += 1
        asked += 1
        try generator.add(
            prompt: group.prompt + one.tokens, responses: [Self.id(number, member, request: one.requests)],
            longest: plan.limit(level: one.level, left: room(group) - one.tokens.count), greedy: one.isBaseline)
    }

    /// Names a response's random numbers: 36 bits for the group, 14 for the member, 14 for the request.
    static func id(_ group: UInt64, _ member: Int, request: UInt64) -> UInt64 { group << 28 | UInt64(member) << 14 | request & 0x3fff }
    static func place(of id: UInt64) -> (group: UInt64, member: Int) { (id >> 28, Int(id >> 14 & 0x3fff)) }

    func finished(_ response: Response) throws {
        asked -= 1
        let (number, member) = Self.place(of: response.id)
        open[number]!.members[member].take(response, control: plan.firstTokenIsControl)
        let (task, tokens) = (open[number]!.task, open[number]!.members[member].tokens)
        var end: ResponseEnd = response.end == .stopped ? .stopped : .length
        if end == .length, try branch(number, member) { return }
        if response.end == .stopped {
            switch try verifier.turn(task, tokens[...]) {
            case .answered(.over): break
            case .answered(.reply(let reply)):
                let room = room(open[number]!) - tokens.count
                open[number]!.members[member].append(Array(reply.prefix(max(room, 0))), .environment, version: version, keepsEntropy: plan.keepsEntropy)
                if reply.count < room { return try ask(number, member) }
                end = .length
            case .unverified(let error):
                failed(error)
                end = .unverified
            }
        }
        open[number]!.members[member].end = end
        try cut(number, member)
        if plan.window == 0, open[number]!.isComplete { try judge(number) }
    }

    /// In a tree: a response that has come to a node goes on, beside forks of it.
    private func branch(_ number: UInt64, _ member: Int) throws -> Bool {
        guard case .tree(let widths, _) = plan.forks else { return false }
        let one = open[number]!.members[member]
        guard room(open[number]!) > one.tokens.count, one.level + 1 < widths.count else { return false }
        open[number]!.members[member].level += 1
        try ask(number, member)
        for _ in 1..<widths[one.level + 1] { try fork(number, member, at: one.tokens.count, level: one.level + 1) }
        return true
    }

    /// In a chain: a response that has ended is drawn on from each of its cuts.
    private func cut(_ number: UInt64, _ member: Int) throws {
        guard case .chain(let interval, let threshold, let samples) = plan.forks else { return }
        let one = open[number]!.members[member]
        guard one.parent < 0, one.source == .live, !one.isBaseline, one.end == .stopped || one.end == .length else { return }
        for token in GroupPlan.Forks.cuts(logProbs: one.logProbs, roles: one.roles, interval: interval, threshold: threshold) {
            for _ in 0..<samples { try fork(number, member, at: token) }
        }
    }

    private func fork(_ number: UInt64, _ parent: Int, at token: Int, level: Int = 0) throws {
        let member = open[number]!.fork(parent, at: token, level: level)
        open[number]!.members.append(member)
        try ask(number, open[number]!.members.count - 1)
    }

    private func failed(_ error: TokenTaskError) { failures.append(SlotFailure(slots: 0..<0, cause: "\(error)")) }

    /// A complete group goes into a rollout, or is drawn anew with a hint, or is left out and replaced by another.
    private func judge(_ number: UInt64) throws {
        let group = open[number]!
        let responses = try group.members.enumerated().map { try judged($1, of: group, $0) }
        if !responses.contains(where: { $0.isCorrect && $0.source == .live && !$0.isBaseline }), try drawAnew(number) { return }
        open[number] = nil
        let rewards = responses.filter { !$0.isBaseline && $0.end != .unverified }.map(\.reward)
        if plan.leavesOutEqual, rewards.allSatisfy({ $0 == rewards.first }), leftOut.groups < plan.mostLeftOut, leftOut.responses < LeftOut.mostResponses {
            leftOut.add(responses, countsAsSolved: !group.isHelped(plan))
            return
        }
        complete.append(group.shipped(responses, leftOut: leftOut))
        leftOut = LeftOut()
    }

    func judged(_ member: OpenGroup.Member, of group: OpenGroup, _ index: Int) throws -> GroupResponse {
        var response = GroupResponse(
            tokens: member.tokens, logProbs: member.logProbs, versions: member.versions, roles: member.roles, entropies: member.entropies,
            rewards: [0], isCorrect: false, end: member.end, source: member.source, parent: Int32(member.parent), firstOwnToken: member.forkedAt,
            isBaseline: member.isBaseline)
        response.rewards += Array(repeating: 0, count: environment.rewardNames.count)
        guard member.end == .stopped || member.end == .length else { return response }
        // Of verdicts that are drawn, every response has its own.
        let draw = Self.id(group.number, index, request: UInt64(place.rank) & 0x3fff)
        switch try verifier.verify(group.task, member.tokens[...], draw: draw) {
        case .answered(let verdict):
            response.rewards = [verdict.reward] + verdict.parts + Array(repeating: 0, count: environment.rewardNames.count - verdict.parts.count)
            (response.isCorrect, response.answer) = (verdict.isCorrect, verdict.answer)
        case .unverified(let error):
            failed(error)
            response.end = .unverified
        }
        return response
    }

    /// What of a group's members was not shipped before; nil: nothing.
    func ship(_ group: inout OpenGroup, _ running: [UInt64: Response]) throws -> ResponseGroup? {
        var responses: [GroupResponse] = []
        for index in group.members.indices where !group.members[index].isShipped {
            var member = group.members[index]
            if member.end == .open, let response = running[Self.id(group.number, index, request: member.requests - 1)] {
                member.take(response, control: plan.firstTokenIsControl)
            }
            guard member.tokens.count > member.shipped || member.end != .open else { continue }
            var response = try judged(member, of: group, index)
            response.firstOwnToken = member.shipped
            responses.append(response)
            group.members[index].shipped = member.tokens.count
            group.members[index].isShipped = member.end != .open
        }
        guard !responses.isEmpty else { return nil }
        return group.shipped(responses)
    }
}

extension GroupPlan {
    /// Responses that are drawn from the prompt itself.
    fileprivate var roots: Int {
        if case .tree(let widths, _) = forks { return widths.first ?? 0 }
        return max(responses - demonstrations, 0)
    }

    /// How many tokens a response may draw until something is decided.
    fileprivate func limit(level: Int, left: Int) -> Int {
        guard case .tree(let widths, let tokens) = forks, level + 1 < widths.count else { return left }
        return min(tokens, left)
    }
}
