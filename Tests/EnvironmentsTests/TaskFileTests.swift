import Environments
import Foundation
import Testing

@Suite struct TaskFileTests {
    private func resolve(_ text: String, options: [String: Double] = [:]) throws -> any TokenEnvironment {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("apus-tasks-\(UUID()).jsonl").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try TokenEnvironmentCatalogue.standard.resolve(EnvironmentSettings("tasks:\(path)", options: options))
    }

    private let lines = (0..<40).map { "{\"id\": \"t\($0)\", \"prompt\": \"\($0)+1=\", \"answer\": \"\($0 + 1)\", \"level\": \($0 % 3)}" }

    @Test func tasksAreThoseOfTheFile() throws {
        let environment = try resolve(lines.joined(separator: "\r\n") + "\n \t\r\n")
        let heldOut = Set((0..<40).map { environment.vocabulary.decode(environment.heldOutTask($0).prompt) })
        let training = (0..<environment.taskCount).map { environment.vocabulary.decode(environment.task($0).prompt) }
        #expect(Set(training).isDisjoint(with: heldOut) && training.count + heldOut.count == 40 && heldOut.count > 0)
        #expect(environment.levels == 3 && environment.longestPrompt == 5 && environment.longestResponse == 3)
        for id in 0..<environment.taskCount {
            let task = environment.task(id)
            let demonstration = try #require(environment.demonstration(task, choice: 0))
            let key = environment.answerKey(environment.text(demonstration[...]))
            #expect(try environment.verify(task, demonstration[...]) == Verdict(reward: 1, isCorrect: true, answer: key))
            #expect(try !environment.verify(task, demonstration.dropLast()).isCorrect && !environment.verify(task, [9, 9, 0]).isCorrect)
            #expect(task.id == id && task.difficulty < 3)
        }
    }

    @Test func oneTaskAndTwoAnswersToOnePrompt() throws {
        let one = try resolve("{\"id\": 7, \"prompt\": \"a\", \"answer\": \"b\"}", options: ["held_out": 0])
        #expect(one.taskCount == 1 && one.levels == 1 && one.heldOutTask(5).prompt == one.task(0).prompt)
        let two = try resolve("{\"id\": 1, \"prompt\": \"a\", \"answer\": \"b\"}\n{\"id\": 2, \"prompt\": \"a\", \"answer\": \"c\"}", options: ["held_out": 0])
        #expect(try (0..<2).allSatisfy { try two.verify(two.task(0), two.demonstration(two.task(0), choice: $0)![...]).isCorrect })
        #expect(two.demonstration(two.task(0), choice: 0) != two.demonstration(two.task(0), choice: 1))
    }

    /// (file, what the error says, where)
    @Test(arguments: [
        ("{\"id\":\"a\",\"prompt\":\"1\",\"answer\":\"1\"}\n\n{\"id\":\"a\",\"prompt\":\"2\",\"answer\":\"2\"}",
            "a second task with the id \"a\"; the first is in line 1", "line 3"),
        ("{\"id\":4,\"prompt\":\"1\",\"answer\":\"1\"}\n{\"id\":\"4\",\"prompt\":\"2\",\"answer\":\"2\"}", "a second task with the id \"4\"", "line 2"),
        ("{\"id\":\"a\",\"prompt\":\"1~2\",\"answer\":\"1\"}", "prompt: the character \"~\" has no token", "line 1, task \"a\""),
        ("{\"id\":\"a\",\"prompt\":\"1\",\"answer\":\"Ä\"}", "answer: the character \"Ä\" has no token", "line 1, task \"a\""),
        ("{\"id\":\"a\",\"prompt\":\"1\\n2\",\"answer\":\"1\"}", "prompt: a line break", "line 1, task \"a\""),
        ("{\"id\":\"a\",\"prompt\":\"\(String(repeating: "1", count: 257))\",\"answer\":\"1\"}", "prompt: 257 characters, more than 256", "line 1, task \"a\""),
        ("{\"id\":\"a\",\"prompt\":\"1\",\"answer\":\"\(String(repeating: "1", count: 300))\"}", "answer: 300 characters", "line 1, task \"a\""),
        ("{\"id\":\"a\",\"prompt\":\"\",\"answer\":\"1\"}", "no prompt", "line 1, task \"a\""),
        ("{\"id\":\"a\",\"prompt\":\"1\",\"answer\":1}", "no answer that is a text", "line 1, task \"a\""),
        ("{\"id\":\"a\",\"prompt\":\"1\"}", "no answer", "line 1, task \"a\""),
        ("{\"prompt\":\"1\",\"answer\":\"1\"}", "no id", "line 1"),
        ("{\"id\":\"a\",\"prompt\":\"1\",\"answer\":\"1\",\"levle\":1}", "unknown member \"levle\"", "line 1, task \"a\""),
        ("{\"id\":\"a\",\"prompt\":\"1\",\"answer\":\"1\",\"level\":-1}", "level", "line 1, task \"a\""),
        ("{\"id\":\"a\",\"prompt\":\"1\",\"answer\":\"1\",\"level\":1.5}", "level", "line 1, task \"a\""),
        ("[1]", "no JSON object", "line 1"),
        ("{\"id\":\"a\"", "byte", "line 1"),
        ("", "no tasks", "apus-tasks"),
    ] as [(String, String, String)]) func mistakesAreNamed(_ text: String, _ problem: String, _ place: String) throws {
        let error = try #require(throws: (any Error).self) { try resolve(text) }
        #expect("\(error)".contains(problem) && "\(error)".contains(place), "\(error)")
    }

    @Test func noFileAndNoPath() throws {
        #expect(throws: (any Error).self) { try TokenEnvironmentCatalogue.standard.resolve(EnvironmentSettings("tasks:/nowhere/at/all.jsonl")) }
        #expect(throws: EnvironmentError.self) { try TokenEnvironmentCatalogue.standard.resolve(EnvironmentSettings("tasks")) }
        let all = #expect(throws: TokenTaskError.self) { try resolve(lines[0], options: ["held_out": 1]) }
        #expect(all?.problem == "all 1 tasks are held out")
    }
}
