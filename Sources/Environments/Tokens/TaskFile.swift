import Platform
import Tensors

/// Tasks of one's own, from a file of JSON lines: {"id": "a1", "prompt": "2+2=", "answer": "4", "level": 0}; a response is correct when it
/// is the answer, exactly. With "training_prompt" the policy learns to answer that one, from responses to the prompt.
///
/// `id` is a text or a whole number, and no two lines have the same; `level`, from 0, may be left out. By its id a share of the lines is
/// held out; the others are training tasks, numbered as they follow each other. Where nothing is held out, held-out tasks are the training tasks.
public struct TaskFile: TokenEnvironment {
    public static let id = "tasks"
    public static let summary = "tasks:PATH, a file of JSON lines with id, prompt, answer and level; exact match"
    public static let options = [
        EnvironmentOption("held_out", 0.125, 0...1, "share of the lines that are not trained on"),
        EnvironmentOption("longest_prompt", 256, 1...65536, "the most characters that a prompt may have"),
        EnvironmentOption("longest_answer", 256, 1...65536, "the most characters that an answer may have"),
    ]

    private struct Line {
        let id: String
        let level: UInt16
        let prompt: [Int32]
        let trainingPrompt: [Int32]?
        let answer: [Int32]
    }

    private let lines: [Line]
    private let training: [Int]
    private let heldOut: [Int]
    /// The answers to every prompt: two lines may ask the same.
    private let answers: [[Int32]: Set<[Int32]>]

    public init(_ options: EnvironmentOptions) throws {
        throw EnvironmentError(
            problem: "\"\(Self.id)\" without a file", place: "environment.id", remedy: "Name the file behind a colon: \(Self.id):PATH.")
    }

    /// Reads the file.
    public init(path: String, _ options: EnvironmentOptions) throws {
        var lines: [Line] = []
        var places: [String: Int] = [:]
        let limits = (prompt: Int(options["longest_prompt"]), answer: Int(options["longest_answer"]))
        for (index, text) in try Files.read(path).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        where !text.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) {
            let line = try Self.line(Array(text), place: "\(path), line \(index + 1)", limits)
            if let first = places.updateValue(index + 1, forKey: line.id) {
                throw TokenTaskError(
                    problem: "a second task with the id \"\(line.id)\"; the first is in line \(first)", place: "\(path), line \(index + 1)",
                    remedy: "Give every task an id of its own.")
            }
            lines.append(line)
        }
        let share = options["held_out"]
        heldOut = lines.indices.filter { Double(TaskStream.hash(lines[$0].id) >> 11) * 0x1p-53 < share }
        let isHeldOut = Set(heldOut)
        training = lines.indices.filter { !isHeldOut.contains($0) }
        guard !training.isEmpty else {
            throw TokenTaskError(
                problem: lines.isEmpty ? "the file has no tasks" : "all \(lines.count) tasks are held out", place: path,
                remedy: lines.isEmpty ? "Write one JSON object per line." : "Add tasks, or hold out a smaller share (environment.options.held_out).")
        }
        answers = Dictionary(grouping: lines, by: \.prompt).mapValues { Set($0.map(\.answer)) }
        self.lines = lines
        longestPrompt = lines.map { max($0.prompt.count, $0.trainingPrompt?.count ?? 0) }.max()!
        longestResponse = lines.map(\.answer.count).max()!
        levels = Int(lines.map(\.level).max()!) + 1
    }

    private static func line(_ text: [UInt8], place: String, _ limits: (prompt: Int, answer: Int)) throws -> Line {
        let value = try JSON.parse(text, place: place)
        func wrong(_ problem: String, of id: String?, _ remedy: String) -> TokenTaskError {
            TokenTaskError(problem: problem, place: place + (id.map { ", task \"\($0)\"" } ?? ""), remedy: remedy)
        }
        let form = "Write {\"id\": \"a1\", \"prompt\": \"2+2=\", \"answer\": \"4\", \"level\": 0}."
        guard let members = value.object else { throw wrong("the line is no JSON object", of: nil, form) }
        guard let id = value["id"]?.string ?? value["id"]?.integer.map(String.init), !id.isEmpty else {
            throw wrong("the task has no id that is a text or a whole number", of: nil, form)
        }
        if let unknown = members.first(where: { !["id", "prompt", "training_prompt", "answer", "level"].contains($0.name) }) {
            throw wrong("unknown member \"\(unknown.name)\"", of: id, form)
        }
        func tokens(_ name: String, atMost limit: Int) throws -> [Int32] {
            guard let text = value[name]?.string, !text.isEmpty else { throw wrong("the task has no \(name) that is a text", of: id, form) }
            let tokens: [Int32]
            do { tokens = try Vocabulary.standard.encode(text) } catch { throw wrong("\(name): \(error.problem)", of: id, error.remedy) }
            guard !tokens.contains(Vocabulary.standard.stop) else {
                throw wrong("\(name): a line break, which ends responses", of: id, "Write it in one line.")
            }
            guard tokens.count <= limit else {
                let option = name == "answer" ? "longest_answer" : "longest_prompt"
                throw wrong("\(name): \(tokens.count) characters, more than \(limit)", of: id, "Shorten it, or raise environment.options.\(option).")
            }
            return tokens
        }
        guard let level = UInt16(exactly: value["level"].map { $0.integer ?? -1 } ?? 0), level < 1024 else {
            throw wrong("the level is no whole number from 0 to 1023", of: id, "Number the levels from 0, or leave it out.")
        }
        return Line(
            id: id, level: level, prompt: try tokens("prompt", atMost: limits.prompt),
            trainingPrompt: value["training_prompt"] == nil ? nil : try tokens("training_prompt", atMost: limits.prompt),
            answer: try tokens("answer", atMost: limits.answer) + [Vocabulary.standard.stop])
    }

    public var isTotal: Bool { true }
    public var taskCount: UInt32 { UInt32(training.count) }
    public let longestPrompt: Int
    public let longestResponse: Int
    public let levels: Int

    public func task(_ id: UInt32) -> TokenTask { task(id, lines[training[Int(id) % training.count]]) }
    public func heldOutTask(_ id: UInt32) -> TokenTask { heldOut.isEmpty ? task(id) : task(id, lines[heldOut[Int(id) % heldOut.count]]) }

    private func task(_ id: UInt32, _ line: Line) -> TokenTask {
        TokenTask(id: id, difficulty: line.level, prompt: line.prompt, trainingPrompt: line.trainingPrompt)
    }

    public func verify(_ task: TokenTask, _ response: ArraySlice<Int32>) -> Verdict {
        guard let said = finishedText(response) else { return Verdict(reward: 0, isCorrect: false) }
        let isCorrect = answers[task.prompt]?.contains(Array(response)) ?? false
        return Verdict(reward: isCorrect ? 1 : 0, isCorrect: isCorrect, answer: answerKey(said))
    }

    public func demonstration(_ task: TokenTask, choice: UInt32) -> [Int32]? {
        guard let known = answers[task.prompt]?.sorted(by: { $0.lexicographicallyPrecedes($1) }) else { return nil }
        return known[Int(choice) % known.count]
    }
}

/// Tasks of a file, under the name "tasks:PATH".
public struct TaskFiles: TokenEnvironmentFamily {
    public init() {}
    public var prefix: String { TaskFile.id }
    public var summary: String { TaskFile.summary }
    public func resolve(_ name: String, _ settings: EnvironmentSettings) throws -> any TokenEnvironment {
        try TaskFile(path: name, EnvironmentOptions(settings.options, known: TaskFile.options, id: settings.id))
    }
}
