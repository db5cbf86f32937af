import Tensors

/// "name of emp with age>30?" → "select name from emp where age>30": a question about three tables, and a query that is carried out.
///
/// A query is correct when it gives the rows of the reference query on every database that is looked at, in the same order where the question
/// asks for one. The reward has parts, as in S159 (Reasoning-SQL): that the query is carried out at all, how many of the tables and columns
/// it reads are those of the reference (the intersection over the union), and the result, which weighs most. Tables:
/// emp(name,id,dept,pay,age), dept(name,city,id), sale(item,id,emp,n). What a query may do is bounded: see `ShopDatabase`.
/// The level is the kind of question: columns, conditions, aggregates, groups, orders, conditions on a second table.
public struct TextToSQL: TokenEnvironment {
    public static let id = "sql"
    public static let summary = "name of emp with age>30? → a query, carried out by SQLite; partial rewards for tables and columns"
    public static let options = [
        EnvironmentOption("level", 5, 0...5, "the largest level"),
        EnvironmentOption("least_level", 0, 0...5, "the smallest level"),
        EnvironmentOption("executes", 0.1, 0...0.16, "reward of a query that is carried out"),
        EnvironmentOption("tables_read", 0.1, 0...0.16, "reward of reading the right tables"),
        EnvironmentOption("columns_read", 0.1, 0...0.16, "reward of reading the right columns"),
        EnvironmentOption("databases", 2, 1...8, "databases on which results are compared"),
        EnvironmentOption("seed", 0, 0...1_000_000, "which data"),
        .tasks,
    ]

    private let kinds: ClosedRange<Int>
    private let weights: (executes: Float, tables: Float, columns: Float)
    private let databases: ClosedRange<UInt32>
    public let taskCount: UInt32

    public init(_ options: EnvironmentOptions) throws {
        kinds = try options.levels("least_level", "level")
        weights = (Float(options["executes"]), Float(options["tables_read"]), Float(options["columns_read"]))
        databases = UInt32(options["seed"]) * 8...UInt32(options["seed"]) * 8 + UInt32(options["databases"]) - 1
        taskCount = UInt32(options["tasks"])
        // That the library is there is known before the run starts.
        _ = try ShopDatabase(databases.lowerBound)
    }

    public var levels: Int { kinds.count }
    public var longestPrompt: Int { ShopQuestion.longestText }
    public var longestResponse: Int { ShopQuestion.longestQuery + 1 }
    public var rewardNames: [String] { ["executes", "tables", "columns", "result"] }

    public func task(_ id: UInt32) -> TokenTask { make(id, heldOut: false) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { make(id, heldOut: true) }

    private func make(_ id: UInt32, heldOut: Bool) -> TokenTask {
        TaskStream.task(self, id, heldOut: heldOut) { level, stream in ShopQuestion(kinds.lowerBound + level, &stream).text }
    }

    private func question(_ task: TokenTask) throws -> ShopQuestion {
        let prompt = vocabulary.decode(task.prompt)
        guard let question = ShopQuestion(prompt) else {
            throw TokenTaskError(
                problem: "the prompt is no question about the tables", place: "the prompt \"\(prompt)\"", remedy: "Give the tasks of this environment.")
        }
        return question
    }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) throws -> Verdict {
        let question = try question(task)
        var verdict = Verdict(reward: 0, isCorrect: false, parts: [0, 0, 0, 0])
        guard let said = finishedText(response) else { return verdict }
        verdict.isCorrect = true
        for number in databases {
            let database = try ShopDatabase(number)
            let answer = database.query(said)
            guard answer.problem == nil else { return Verdict(reward: 0, isCorrect: false, parts: [0, 0, 0, 0]) }
            let reference = database.query(question.query)
            if let problem = reference.problem {
                throw TokenTaskError(
                    problem: "the reference query fails: \(problem)", place: question.query, remedy: "Give the tasks of this environment.")
            }
            verdict.parts = [1, Self.overlap(answer.tables, reference.tables), Self.overlap(answer.columns, reference.columns), 0]
            let isSame = question.order == nil ? Self.sorted(answer.rows) == Self.sorted(reference.rows) : answer.rows == reference.rows
            verdict.isCorrect = verdict.isCorrect && isSame
            if number == databases.lowerBound { verdict.answer = answerKey(answer.rows.map { $0.joined(separator: ",") }.joined(separator: ";")) }
        }
        verdict.parts[3] = verdict.isCorrect ? 1 : 0
        let partial = zip(verdict.parts, [weights.executes, weights.tables, weights.columns]).reduce(0) { $0 + $1.0 * $1.1 }
        verdict.reward = verdict.isCorrect ? 1 : partial
        return verdict
    }

    /// The intersection over the union; that of two empty sets is 1.
    private static func overlap(_ a: Set<String>, _ b: Set<String>) -> Float {
        let union = a.union(b).count
        return union == 0 ? 1 : Float(a.intersection(b).count) / Float(union)
    }

    private static func sorted(_ rows: [[String]]) -> [[String]] { rows.sorted { $0.lexicographicallyPrecedes($1) } }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? { (try? question(task)).map { response($0.query) } }
}
