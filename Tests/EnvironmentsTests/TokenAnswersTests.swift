import Environments
import Testing

/// A prompt, a response without its stop token, and what is said about it.
private func judge(_ id: String, _ prompt: String, _ response: String, options: [String: Double] = [:]) throws -> Verdict {
    let environment = try TokenCase(id: id, options: options).make()
    let vocabulary = environment.vocabulary
    return try environment.verify(TokenTask(id: 0, prompt: try vocabulary.encode(prompt)), (try vocabulary.encode(response) + [vocabulary.stop])[...])
}

@Suite struct TokenAnswersTests {
    /// (environment, prompt, right, wrong)
    @Test(arguments: [
        ("addition", "12+34=", ["46"], ["45", "046", "+46", " 46", "46 "]),
        ("arithmetic", "3+4*2-5=", ["6"], ["9", "06", "6=", "", "+6"]),
        ("arithmetic", "2-3*4=", ["-10"], ["10", "-4", "--10"]),
        ("arithmetic", "9-4-3=", ["2"], ["8"]),
        ("chain", "7+3*4-5%", ["#5", "005#5", "zzz#5", "?!#5"], ["5", "#15", "#4", "#5#5", "5#", "#", "#5 "]),
        ("chain", "0-1%", ["#9"], ["#1", "#-1"]),
        ("mode-chain", "7+3*4%", ["!#0", "!00#0", "?00#0", "?#0"], ["#0", "!000#0", "0!#0", "?0", "!?#1", "%#0"]),
        ("countdown", "3,7,2:20", ["(3+7)*2", "2*(7+3)", "(7+3)*((2))"],
            ["3*7", "20", "2*7+2*3", "(3+7)*2)", "((3+7)*2", "3+7*2", "", "(3+7)*2+0", "-(3-7*2)", "()"]),
        ("countdown", "8,3,8,3:24", ["8/(3-8/3)", "(8/(3-(8/3)))"], ["8/(3-8/3)+0", "8*3*3/3", "8/(3-3)", "24"]),
        ("countdown", "5,5:1", ["5/5"], ["5/(5-5)", "5-5", "5"]),
        ("sort", "3142<", ["1234"], ["4321", "123", "12345", "1234<"]),
        ("sort", "hello<", ["ehllo"], ["hello"]),
        ("reverse", "3142|", ["2413"], ["3142", "1234"]),
        ("brackets", "([]{:", ["})"], [")}", "}", "})]", "]})"]),
        ("brackets", "<{:", ["}>"], [">}"]),
        ("many-answers", "382?", ["03", "12", "21", "30"], ["49", "58", "13", "3", "033", "0-", "ab"]),
    ] as [(String, String, [String], [String])])
    func answers(_ id: String, _ prompt: String, _ right: [String], _ wrong: [String]) throws {
        for response in right { #expect(try judge(id, prompt, response).isCorrect, "\(prompt)\(response)") }
        for response in wrong { #expect(try !judge(id, prompt, response).isCorrect, "\(prompt)\(response)") }
    }

    @Test func workTokensHaveALimit() throws {
        #expect(try judge("chain", "1+1%", String(repeating: "a", count: 16) + "#2").isCorrect)
        #expect(try !judge("chain", "1+1%", String(repeating: "a", count: 17) + "#2").isCorrect)
        #expect(try judge("mode-chain", "1+1%", "?" + String(repeating: "a", count: 32) + "#2").isCorrect)
        #expect(try !judge("mode-chain", "1+1%", "?" + String(repeating: "a", count: 33) + "#2").isCorrect)
    }

    @Test func modesHaveRewardsOfTheirOwn() throws {
        let options = ["short_reward": 0.75, "thought_reward": 0.25, "wrong_reward": -0.5]
        #expect(try judge("mode-chain", "1+1%", "!#2", options: options) == Verdict(reward: 0.75, isCorrect: true, answer: 2, parts: [1, 1, 0]))
        #expect(try judge("mode-chain", "1+1%", "?2#2", options: options) == Verdict(reward: 0.25, isCorrect: true, answer: 2, parts: [1, 0, 1]))
        #expect(try judge("mode-chain", "1+1%", "?2#3", options: options) == Verdict(reward: -0.5, isCorrect: false, answer: 3, parts: [0, 0, 1]))
        #expect(try judge("mode-chain", "1+1%", "#2", options: options).parts == [0, 0, 0])
        let teacher = try TokenCase(id: "mode-chain").make()
        let task = TokenTask(id: 0, prompt: try Vocabulary.standard.encode("7+3*4%"))
        #expect((0..<2).map { teacher.text(teacher.demonstration(task, choice: $0)![...]) } == ["!#0", "?00#0"])
    }

    @Test func equalSolutionsHaveEqualAnswers() throws {
        func answer(_ text: String) throws -> Int32 { try judge("countdown", "1,2,3,4:24", text).answer }
        #expect(try answer("1*2*3*4") == answer("4*(3*(2*1))"))
        #expect(try answer("(1+2+3)*4") == answer("4*(3+(2+1))"))
        #expect(try answer("(1+2+3)*4") != answer("1*2*3*4"))
        #expect(try answer("4-(3-2)") == answer("2+4-3") && answer("4-(3-2)") != answer("4-3-2"))
        #expect(try answer("4/(2/3)") == answer("3*4/2") && answer("4/(2/3)") != answer("4/2/3"))
        #expect(try answer("4+") == -1)
    }

    @Test func countdownsTeachersDiffer() throws {
        let environment = try TokenCase(id: "countdown").make()
        let ways = (0..<UInt32(50)).map { id in
            let task = environment.task(id)
            return Set((0..<16).compactMap { environment.demonstration(task, choice: $0) }.map { try! environment.verify(task, $0[...]).answer }).count
        }
        #expect(ways.allSatisfy { $0 >= 1 } && ways.reduce(0, +) > 100)
    }

    @Test func numbersBeyond64BitsAreWrong() throws {
        for text in ["99999999999999999999", "9999999999*9999999999*9999999999", "1/9999999999/9999999999-1/9999999998/9999999997"] {
            #expect(try !judge("countdown", "3,7,2:20", text).isCorrect)
        }
        #expect(try !judge("arithmetic", "3+4=", "7777777777777777777777").isCorrect)
    }

    /// Teachers give answers with the shares that the environment says, and every prompt has so many.
    @Test func manyAnswersHaveTheirShares() throws {
        let environment = try #require(try TokenCase(id: "many-answers").make() as? ManyAnswers)
        var counts = [Int32: Int]()
        for id in 0..<UInt32(200) {
            let task = environment.task(id)
            for choice in 0..<UInt32(100) { counts[environment.verify(task, environment.demonstration(task, choice: choice)![...]).answer, default: 0] += 1 }
            let all = try (0..<100).map { try Vocabulary.standard.encode("\($0 / 10)\($0 % 10)") + [0] }
            #expect(all.filter { environment.verify(task, $0[...]).isCorrect }.count == 4)
        }
        for (answer, share) in environment.shares.enumerated() {
            let expected = 20_000 * share
            #expect(abs(Double(counts[Int32(answer)] ?? 0) - expected) < 4 * (expected * (1 - share)).squareRoot(), "answer \(answer)")
        }
        #expect(environment.shares.count == 4 && abs(environment.shares[3] - 0.004) < 1e-12)
    }

    @Test func locksOpenOnceAndShowTheirSecretOrGuesses() throws {
        let (honest, guessing) = (try TokenCase(id: "lock").make(), try TokenCase(id: "lock", options: ["guesses": 1, "demonstrated": 0.5]).make())
        let secrets = Set((0..<UInt32(32)).map { honest.demonstration(honest.task($0), choice: 5)! })
        #expect(secrets.count == 32)
        let shown = (0..<UInt32(1000)).filter { guessing.demonstration(guessing.task($0), choice: 0) != nil }.count
        #expect((100..<900).contains(shown))
        let task = guessing.task(try #require((0..<32).first { guessing.demonstration(guessing.task($0), choice: 0) != nil }))
        let guesses = (0..<UInt32(100)).map { guessing.demonstration(task, choice: $0)! }
        #expect(Set(guesses).count > 90 && guesses.allSatisfy { $0.count == 7 && $0.dropLast().allSatisfy { (2...7).contains($0) } })
    }
}
