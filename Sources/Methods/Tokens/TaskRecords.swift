import Platform
import Rollouts
import Tensors

/// Numbers that methods keep of every task: read before a batch, written after it, once. They are part of the learner's state, and so of
/// every checkpoint: a life that resumes has the records that belong to its weights.
public struct TaskRecords: Sendable, Equatable {
    private var values: [String: [UInt32: [Float]]] = [:]

    public init() {}

    /// Stands for the run as a whole: for numbers that are of no single task.
    public static let run = UInt32.max

    /// What is known of a task under a name; nil: nothing.
    public subscript(task: UInt32, name: String) -> [Float]? { values[name]?[task] }

    public mutating func write(_ kept: [(task: UInt32, name: String, values: [Float])]) {
        for one in kept { values[one.name, default: [:]][one.task] = one.values }
    }

    public func tasks(_ name: String) -> [UInt32] { (values[name] ?? [:]).keys.sorted() }
    public var isEmpty: Bool { values.isEmpty }
}

extension TaskRecords {
    /// As named columns: for each name the tasks, how many numbers each has, and the numbers.
    public var columns: [Column] {
        values.keys.sorted().flatMap { name -> [Column] in
            let tasks = tasks(name)
            let lists = tasks.map { values[name]![$0]! }
            return [
                Column("records.\(name).tasks", tasks.map { Int32(bitPattern: $0) }),
                Column("records.\(name).counts", lists.map { Int32($0.count) }),
                Column("records.\(name).values", lists.flatMap { $0 }),
            ]
        }
    }

    /// - Throws: `LearnerStateError` for columns that do not belong together.
    public init(columns: [Column]) throws(LearnerStateError) {
        for column in columns where column.name.hasPrefix("records.") && column.name.hasSuffix(".tasks") {
            let stem = String(column.name.dropLast(".tasks".count))
            guard let counts = columns.first(where: { $0.name == "\(stem).counts" }), let numbers = columns.first(where: { $0.name == "\(stem).values" }),
                column.type == .int32, counts.type == .int32, numbers.type == .float32, counts.elementCount == column.elementCount
            else { throw LearnerStateError(problem: "\(stem) is incomplete") }
            let (tasks, lengths, floats) = (column.bytes.array(of: Int32.self), counts.bytes.array(of: Int32.self), numbers.bytes.array(of: Float.self))
            guard lengths.allSatisfy({ $0 >= 0 }), lengths.reduce(0, { $0 + Int($1) }) == floats.count, floats.allSatisfy(\.isFinite) else {
                throw LearnerStateError(problem: "\(stem) is damaged")
            }
            var start = 0
            for (task, length) in zip(tasks, lengths) {
                values[String(stem.dropFirst("records.".count)), default: [:]][UInt32(bitPattern: task)] = Array(floats[start..<start + Int(length)])
                start += Int(length)
            }
        }
    }
}

extension Column {
    fileprivate init<Element: BitwiseCopyable>(_ name: String, _ values: [Element]) {
        self.init(
            name, Element.self == Float.self ? .float32 : .int32, [values.count], values.withUnsafeBytes { SharedBytes(copying: $0) })
    }
}
