import Environments
import Tensors
import Testing

/// A token environment of Apus with options, and with teachers that may err or tasks that are not held out where it says so.
struct TokenCase: Sendable, CustomTestStringConvertible {
    let id: String
    var options: [String: Double] = [:]
    /// Whether demonstrations are correct, and anything that is not finished is wrong.
    var isStrict = true
    var holdsOut = true

    func make() throws -> any TokenEnvironment { try TokenEnvironmentCatalogue.standard.resolve(EnvironmentSettings(id, options: options)) }
    var testDescription: String { "\(id) \(options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "))" }

    /// Every environment with its defaults, and what is at the edges of the options.
    static let all: [TokenCase] =
        TokenEnvironmentCatalogue.standard.ids.map { id in
            TokenCase(id: id, isStrict: !["many-answers", "token-bandit"].contains(id), holdsOut: !["lock", "token-bandit"].contains(id))
        } + [
            TokenCase(id: "arithmetic", options: ["operations": 8, "largest": 99]),
            TokenCase(id: "arithmetic", options: ["operations": 1, "largest": 1], holdsOut: false),
            TokenCase(id: "chain", options: ["work": 0]),
            TokenCase(id: "chain", options: ["operations": 16, "sums": 1]),
            TokenCase(id: "mode-chain", options: ["operations": 16, "short_work": 0]),
            TokenCase(id: "countdown", options: ["numbers": 5, "largest": 99, "largest_target": 9999]),
            TokenCase(id: "countdown", options: ["numbers": 2, "least_numbers": 2, "largest": 2], holdsOut: false),
            TokenCase(id: "sort", options: ["length": 64, "letters": 1]),
            TokenCase(id: "reverse", options: ["length": 1, "least_length": 1], holdsOut: false),
            TokenCase(id: "brackets", options: ["depth": 32, "kinds": 4, "pairs": 32]),
            TokenCase(id: "many-answers", options: ["answers": 10, "first": 0.1, "factor": 1, "digits": 8]),
            TokenCase(id: "many-answers", options: ["answers": 1, "first": 0, "digits": 1], isStrict: false, holdsOut: false),
            TokenCase(id: "token-bandit", options: ["expected": 1, "seed": 7], isStrict: false, holdsOut: false),
            TokenCase(id: "lock", options: ["length": 64, "symbols": 36, "demonstrated": 0.5], holdsOut: false),
            TokenCase(id: "key-chain", options: ["hops": 9, "lookups": 9, "entities": 2, "known": 0, "tables": 1e6]),
            TokenCase(id: "key-chain", options: ["hops": 9, "lookups": 0]),
            TokenCase(id: "calculator", options: ["operations": 6, "calls": 2]),
            TokenCase(id: "sql", options: ["least_level": 5, "databases": 1, "seed": 3]),
        ]
}

@Suite struct TokenEnvironmentsTests {
    @Test(arguments: TokenCase.all) func tasksAreFunctionsOfTheirNumber(_ tried: TokenCase) throws {
        let (environment, again) = (try tried.make(), try tried.make())
        var levels: Set<UInt16> = []
        for id in (0..<UInt32(1000)).map({ $0 * 7 }) {
            for (task, other) in [(environment.task(id), again.task(id)), (environment.heldOutTask(id), again.heldOutTask(id))] {
                #expect(task == other && task.id == id)
                #expect(!task.prompt.isEmpty && task.prompt.count <= environment.longestPrompt)
                #expect(task.prompt.allSatisfy { (1..<Int32(environment.vocabulary.count)).contains($0) })
                #expect(Int(task.difficulty) < environment.levels)
                levels.insert(task.difficulty)
            }
        }
        #expect(levels.count == environment.levels)
    }

    @Test(arguments: TokenCase.all.filter(\.holdsOut)) func heldOutTasksAreNotTrainedOn(_ tried: TokenCase) throws {
        let environment = try tried.make()
        let training = Set((0..<3000).map { environment.task($0).prompt })
        let heldOut = Set((0..<1000).map { environment.heldOutTask($0).prompt })
        #expect(training.isDisjoint(with: heldOut))
        #expect(heldOut.count > 5)
    }

    @Test(arguments: TokenCase.all) func demonstrationsFitAndAreCorrect(_ tried: TokenCase) throws {
        let environment = try tried.make()
        var shown = 0
        for id in 0..<UInt32(200) {
            for task in [environment.task(id), environment.heldOutTask(id)] {
                for choice in 0..<UInt32(4) {
                    guard let demonstration = environment.demonstration(task, choice: choice) else { continue }
                    shown += 1
                    #expect(demonstration == environment.demonstration(task, choice: choice))
                    #expect(demonstration.count <= environment.longestResponse)
                    guard tried.isStrict else { continue }
                    let text = environment.vocabulary.decode(task.prompt + demonstration)
                    #expect(demonstration.last == environment.vocabulary.stop)
                    #expect(try environment.verify(task, demonstration[...]).isCorrect, "\(text)")
                    try replay(environment, task, demonstration)
                }
            }
        }
        #expect(shown > 50)
    }

    /// Plays the policy's part of a demonstration: the environment has to say what stands in it.
    private func replay(_ environment: any TokenEnvironment, _ task: TokenTask, _ demonstration: [Int32]) throws {
        var position = 0
        while let stop = demonstration[position...].firstIndex(of: environment.vocabulary.stop) {
            switch try environment.turn(task, demonstration[...stop]) {
            case .over: #expect(stop == demonstration.count - 1)
            case .reply(let tokens): #expect(demonstration[(stop + 1)...].starts(with: tokens))
            }
            position = stop + 1
        }
    }

    /// What a policy may write: anything; and demonstrations that are cut, or changed in places.
    @Test(arguments: TokenCase.all) func anyResponseIsJudged(_ tried: TokenCase) throws {
        let environment = try tried.make()
        var random = RandomKey(seed: 11, purpose: .generation).stream(slot: 0, episode: 0)
        func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
        let stop = environment.vocabulary.stop
        for trial in 0..<2000 {
            let task = trial % 2 == 0 ? environment.task(UInt32(trial)) : environment.heldOutTask(UInt32(trial))
            var response = environment.demonstration(task, choice: UInt32(trial)) ?? [stop]
            switch trial % 5 {
            case 0: response = (0..<below(environment.longestResponse + 1)).map { _ in Int32(below(64)) }
            case 1: response = (0..<below(environment.longestResponse)).map { _ in Int32(1 + below(63)) } + [stop]
            case 2: response[below(response.count)] = Int32(below(64))
            case 3: response.removeLast(1 + below(response.count))
            default: response.insert(Int32(below(64)), at: below(response.count))
            }
            let verdict = try environment.verify(task, response[...], draw: UInt64(trial))
            #expect(verdict == (try environment.verify(task, response[...], draw: UInt64(trial))))
            #expect(verdict.parts.count == environment.rewardNames.count)
            #expect(verdict.reward.isFinite && (-1...1).contains(verdict.reward) && verdict.answer >= -1)
            if response.last != stop && tried.id != "token-bandit" { #expect(!verdict.isCorrect, "\(response)") }
            if case .reply(let tokens) = try environment.turn(task, response[...]) {
                #expect(!tokens.contains(stop) && tokens.allSatisfy { (0..<64).contains($0) })
            }
        }
    }

    @Test(arguments: TokenCase.all) func emptyEndlessAndStrangeResponsesAreWrong(_ tried: TokenCase) throws {
        let environment = try tried.make()
        let task = environment.task(3)
        let strange: [[Int32]] =
            [[], [0], [0, 0, 0], [-1, 64, .max, .min], [-1, 64, .max, .min, 0], Array(repeating: 64, count: 100) + [0]]
            + [1, 50, 55, 2, 63].map { Array(repeating: $0, count: environment.longestResponse) }
            + [1, 50, 55, 2, 38].map { Array(repeating: $0, count: 20_000) + [0] }
        for response in strange {
            let verdict = try environment.verify(task, response[...])
            #expect(!verdict.isCorrect || tried.id == "token-bandit", "\(environment.vocabulary.decode(response.prefix(20)))")
            _ = try environment.turn(task, response[...])
            // A slice has indices of its own.
            let longer = [7, 7] + response + [7]
            #expect(try environment.verify(task, longer[2..<2 + response.count]) == verdict)
        }
    }

    @Test func thePromptsOfOtherEnvironmentsAreToldApart() throws {
        let vocabulary = Vocabulary.standard
        let task = TokenTask(id: 0, prompt: try vocabulary.encode("what is that"))
        for id in ["arithmetic", "chain", "mode-chain", "countdown", "key-chain", "calculator", "sql", "token-bandit"] {
            let environment = try TokenCase(id: id).make()
            #expect(throws: TokenTaskError.self, "\(id)") { try environment.verify(task, [5, 0]) }
            #expect(environment.demonstration(task, choice: 0) == nil || id == "token-bandit")
        }
    }

    @Test func catalogueAndOptions() throws {
        let catalogue = TokenEnvironmentCatalogue.standard
        #expect(Set(catalogue.ids).count == catalogue.ids.count)
        #expect(catalogue.has("sort") && catalogue.has("tasks:anything") && !catalogue.has("tasks") && !catalogue.has("sorting"))
        let unknown = #expect(throws: EnvironmentError.self) { try TokenCase(id: "brakets").make() }
        #expect(unknown?.remedy.contains("Did you mean \"brackets\"?") == true && unknown?.remedy.contains("tasks:…") == true)
        for (id, options) in [
            ("sort", ["length": 2.0, "least_length": 3]), ("mode-chain", ["operations": 8, "thought_work": 7]),
            ("many-answers", ["first": 0.6, "factor": 1]), ("chain", ["operations": 0]),
        ] {
            #expect(throws: EnvironmentError.self) { try TokenCase(id: id, options: options).make() }
        }
    }
}
