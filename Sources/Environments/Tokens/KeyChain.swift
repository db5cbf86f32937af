import Tensors

/// "k2:" → "=p": entities, each with a link to another one; what is asked for is where so many links lead. A turn "?k" looks a link up: the
/// reply is "m;", and the policy goes on. "=p" ends the response, and so does any turn that is neither, or a lookup too many.
///
/// In "k2:" the links are those of one table that is always the same, and may be learnt by heart; in "k2@172:" they are those of table 172,
/// which has to be looked up. The level is the number of links. Teachers answer tasks of the first kind from memory when `choice` is odd.
public struct KeyChain: TokenEnvironment {
    public static let id = "key-chain"
    public static let summary = "k2: → follow links with lookups ?k in several turns, then =p"
    public static let options = [
        EnvironmentOption("hops", 3, 1...9, "links of the largest level"),
        EnvironmentOption("least_hops", 1, 1...9, "links of the smallest level"),
        EnvironmentOption("entities", 26, 2...26, "how many entities there are, from a"),
        EnvironmentOption("lookups", 6, 0...64, "the most lookups of a response"),
        EnvironmentOption("known", 0.5, 0...1, "share of tasks about the table that is always the same"),
        EnvironmentOption("tables", 1000, 1...1e6, "how many other tables there are"),
        EnvironmentOption("lookup_cost", 0, 0...1, "taken from the reward of a correct response for each lookup"),
        .tasks,
    ]

    private let hops: ClosedRange<Int>
    private let entities: [Character]
    private let lookups: Int
    private let known: Double
    private let tables: Int
    private let lookupCost: Float
    public let taskCount: UInt32

    public init(_ options: EnvironmentOptions) throws {
        hops = try options.levels("least_hops", "hops")
        entities = Array("abcdefghijklmnopqrstuvwxyz".prefix(Int(options["entities"])))
        (lookups, known, tables) = (Int(options["lookups"]), options["known"], Int(options["tables"]))
        lookupCost = Float(options["lookup_cost"])
        taskCount = UInt32(options["tasks"])
    }

    public var isTotal: Bool { true }
    public var levels: Int { hops.count }
    public var longestPrompt: Int { 4 + String(tables).count }
    /// "?k", the stop token and "m;" for each lookup, then "=p" and the stop token.
    public var longestResponse: Int { 5 * lookups + 3 }
    /// How many lookups there were.
    public var rewardNames: [String] { ["lookups"] }

    public func task(_ id: UInt32) -> TokenTask { make(id, heldOut: false) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { make(id, heldOut: true) }

    private func make(_ id: UInt32, heldOut: Bool) -> TokenTask {
        TaskStream.task(self, id, heldOut: heldOut) { level, stream in
            let table = stream.uniform() < known ? "" : "@\(stream.from(1...tables))"
            return "\(stream.pick(entities))\(hops.lowerBound + level)\(table):"
        }
    }

    /// What a prompt asks.
    private struct Question {
        let start: Character
        let hops: Int
        let isKnown: Bool
        /// Every link of its table: a permutation.
        let links: [Character: Character]

        var answer: Character { (0..<hops).reduce(start) { entity, _ in links[entity]! } }
    }

    private func question(_ task: TokenTask) throws -> Question {
        let prompt = vocabulary.decode(task.prompt)
        let parts = prompt.dropLast().split(separator: "@")
        guard (1...2).contains(parts.count), parts[0].count == 2, let start = prompt.first, entities.contains(start),
            let hops = Int(parts[0].dropFirst()), let table = parts.count == 1 ? 0 : UInt32(parts[1])
        else {
            throw TokenTaskError(
                problem: "the prompt is no entity with a number of links", place: "the prompt \"\(prompt)\"",
                remedy: "Give the tasks of this environment.")
        }
        var stream = TaskStream.of("key-chain links", table, heldOut: false)
        let links = Dictionary(uniqueKeysWithValues: zip(entities, stream.shuffled(entities)))
        return Question(start: start, hops: hops, isKnown: parts.count == 1, links: links)
    }

    /// The entity that a turn looks up.
    private func lookedUp(_ turn: String) -> Character? { turn.count == 2 && turn.first == "?" && entities.contains(turn.last!) ? turn.last : nil }

    public func turn(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Turn {
        guard let turns = turnTexts(response), turns.count <= lookups, let entity = turns.last.flatMap(lookedUp) else { return .over }
        return reply(String(try question(task).links[entity]!))
    }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict {
        let question = try question(task)
        guard let turns = turnTexts(response), let said = turns.last else { return Verdict(reward: 0, isCorrect: false, parts: [0]) }
        let lookedUp = turns.dropLast().compactMap(lookedUp).count
        let isFinished = lookedUp == turns.count - 1 && lookedUp <= lookups && said.count == 2 && said.first == "="
        let isCorrect = isFinished && said.last == question.answer
        return Verdict(
            reward: isCorrect ? 1 - lookupCost * Float(lookedUp) : 0, isCorrect: isCorrect,
            answer: isFinished ? answerKey(said) : -1, parts: [Float(lookedUp)])
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? {
        guard let question = try? question(task) else { return nil }
        let fromMemory = question.isKnown && choice % 2 == 1
        guard fromMemory || question.hops <= lookups else { return nil }
        var (entity, text) = (question.start, "")
        for _ in 0..<(fromMemory ? 0 : question.hops) {
            let next = question.links[entity]!
            text += "?\(entity)\n\(next);"
            entity = next
        }
        return response("\(text)=\(question.answer)")
    }
}
