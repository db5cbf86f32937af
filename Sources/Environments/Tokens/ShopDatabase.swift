import CSQLite
import Tensors

/// A small company in a SQLite database in memory: employees, departments and sales, drawn from a number.
///
/// Queries may only read its tables, with a fixed set of functions and a bounded number of steps; the same query always has the same result.
/// Open one for each query: it belongs to one thread.
struct ShopDatabase: ~Copyable {
    struct Table: Sendable {
        let name: String
        /// Texts, then numbers.
        let texts: [String]
        let numbers: [String]
    }
    static let employees = Table(name: "emp", texts: ["name"], numbers: ["id", "dept", "pay", "age"])
    static let departments = Table(name: "dept", texts: ["name", "city"], numbers: ["id"])
    static let sales = Table(name: "sale", texts: ["item"], numbers: ["id", "emp", "n"])
    static let tables = [employees, departments, sales]

    static let people = [
        "ann", "bob", "cat", "dan", "eva", "fay", "gus", "hal", "ida", "jon", "kim", "leo", "mia", "ned", "ola", "pam",
    ]
    static let trades = ["art", "lab", "law", "ops"]
    static let cities = ["bern", "lima", "oslo"]
    static let items = ["cup", "hat", "pen", "tea"]

    /// What came of a query.
    struct Answer: Equatable {
        /// Why it was refused or stopped; nil: it was carried out.
        var problem: String?
        var rows: [[String]] = []
        /// What it reads: tables, and columns with their table.
        var tables: Set<String> = []
        var columns: Set<String> = []
    }

    /// The virtual machine's steps that a query may take: a thousandfold of what any question needs. Checked every 1,000 steps.
    static let mostSteps = 200_000
    private static let mostRows = 1000
    private static let functions: Set<String> = [
        "abs", "avg", "coalesce", "count", "ifnull", "length", "like", "lower", "max", "min", "nullif", "round", "substr", "sum", "total", "upper",
    ]

    private let sqlite: apus_sqlite
    private let connection: OpaquePointer

    /// - Parameter number: which data.
    init(_ number: UInt32) throws {
        guard let library = apus_sqlite_library() else {
            throw EnvironmentError(
                problem: "the library libsqlite3 cannot be loaded", place: "environment.id sql", remedy: "Run: apt-get install libsqlite3-0.")
        }
        sqlite = library.pointee
        var opened: OpaquePointer?
        // No file and no lock: one thread has it.
        let status = sqlite.open(":memory:", &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil)
        guard status == SQLITE_OK, let opened else { preconditionFailure("SQLite cannot open a database in memory: \(status)") }
        connection = opened
        // What is sorted stays in memory, too.
        guard sqlite.execute(connection, "pragma temp_store = 2;" + Self.script(number), nil, nil, nil) == SQLITE_OK else {
            preconditionFailure("SQLite refuses the tables: \(String(cString: sqlite.error(connection)!))")
        }
        // So that a single step is short, and memory stays small.
        for (limit, value) in [
            (SQLITE_LIMIT_LENGTH, 4096), (SQLITE_LIMIT_SQL_LENGTH, 4096), (SQLITE_LIMIT_COLUMN, 64), (SQLITE_LIMIT_EXPR_DEPTH, 64),
            (SQLITE_LIMIT_COMPOUND_SELECT, 8), (SQLITE_LIMIT_VDBE_OP, 10_000), (SQLITE_LIMIT_FUNCTION_ARG, 8), (SQLITE_LIMIT_ATTACHED, 0),
            (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 32), (SQLITE_LIMIT_VARIABLE_NUMBER, 8), (SQLITE_LIMIT_TRIGGER_DEPTH, 0),
            (SQLITE_LIMIT_WORKER_THREADS, 0),
        ] { _ = sqlite.limit(connection, limit, Int32(value)) }
    }

    deinit { _ = sqlite.close(connection) }

    private static func script(_ number: UInt32) -> String {
        var stream = TaskStream.of("sql database", number, heldOut: false)
        func rows(_ table: Table, _ rows: [[String]]) -> String {
            let columns = table.texts.map { "\($0) text" } + table.numbers.map { "\($0) integer" }
            return "create table \(table.name)(\(columns.joined(separator: ",")));insert into \(table.name) values"
                + rows.map { "(\($0.joined(separator: ",")))" }.joined(separator: ",") + ";"
        }
        // Names and pays differ, so that there is one order by them.
        let pays = stream.shuffled(0..<people.count).map { 10 * ($0 + 10) + 5 }
        let emp = stream.shuffled(people).enumerated().map { index, name in
            ["'\(name)'", "\(index + 1)", "\(stream.from(1...trades.count))", "\(pays[index])", "\(stream.from(20...59))"]
        }
        let dept = stream.shuffled(trades).enumerated().map { index, name in ["'\(name)'", "'\(stream.pick(cities))'", "\(index + 1)"] }
        let sale = (1...24).map { ["'\(stream.pick(items))'", "\($0)", "\(stream.from(1...people.count))", "\(stream.from(1...9))"] }
        return rows(employees, emp) + rows(departments, dept) + rows(sales, sale)
    }

    /// What the callbacks of one query see and write.
    private struct Watch {
        var answer = Answer()
        var steps = 0
    }

    func query(_ text: String) -> Answer {
        var watch = Watch()
        return withUnsafeMutablePointer(to: &watch) { watch in
            // Only reading, and only these tables; no functions but known ones, which are the same every time and short.
            _ = sqlite.set_authorizer(connection, { context, action, first, second, _, _ in
                let watch = context!.assumingMemoryBound(to: Watch.self)
                switch action {
                case SQLITE_SELECT, SQLITE_RECURSIVE: return SQLITE_OK
                case SQLITE_READ:
                    let table = String(cString: first!)
                    guard ShopDatabase.tables.contains(where: { $0.name == table }) else { return SQLITE_DENY }
                    watch.pointee.answer.tables.insert(table)
                    // Counting rows reads no column.
                    let column = second.map { String(cString: $0) } ?? ""
                    if column != "" { watch.pointee.answer.columns.insert("\(table).\(column)") }
                    return SQLITE_OK
                case SQLITE_FUNCTION: return ShopDatabase.functions.contains(String(cString: second!).lowercased()) ? SQLITE_OK : SQLITE_DENY
                default: return SQLITE_DENY
                }
            }, watch)
            _ = sqlite.set_progress_handler(connection, 1000, { context in
                let watch = context!.assumingMemoryBound(to: Watch.self)
                watch.pointee.steps += 1000
                return watch.pointee.steps >= ShopDatabase.mostSteps ? 1 : 0
            }, watch)
            defer {
                _ = sqlite.set_authorizer(connection, nil, nil)
                _ = sqlite.set_progress_handler(connection, 0, nil, nil)
            }
            var answer = run(text)
            answer.tables = watch.pointee.answer.tables
            answer.columns = watch.pointee.answer.columns
            return answer
        }
    }

    private func run(_ text: String) -> Answer {
        var answer = Answer()
        func failed() -> Answer { Answer(problem: String(cString: sqlite.error(connection)!)) }
        return text.withCString { text in
            var statement: OpaquePointer?
            var rest: UnsafePointer<CChar>?
            guard sqlite.prepare(connection, text, -1, &statement, &rest) == SQLITE_OK else { return failed() }
            defer { _ = sqlite.finalize(statement) }
            guard let statement, sqlite.column_count(statement) > 0 else { return Answer(problem: "there is no query") }
            guard String(cString: rest!).allSatisfy({ $0 == " " || $0 == ";" }) else { return Answer(problem: "there is more than one statement") }
            while true {
                switch sqlite.step(statement) {
                case SQLITE_ROW:
                    guard answer.rows.count < Self.mostRows else { return Answer(problem: "more than \(Self.mostRows) rows") }
                    answer.rows.append((0..<sqlite.column_count(statement)).map { value(statement, $0) })
                case SQLITE_DONE: return answer
                default: return failed()
                }
            }
        }
    }

    /// Numbers that are equal have equal texts, and differ from texts.
    private func value(_ statement: OpaquePointer, _ column: Int32) -> String {
        switch sqlite.column_type(statement, column) {
        case SQLITE_NULL: return "null"
        case SQLITE_INTEGER, SQLITE_FLOAT: return "\((sqlite.column_double(statement, column) * 1e6).rounded() / 1e6)"
        default: return "'" + (sqlite.column_text(statement, column).map { String(cString: $0) } ?? "")
        }
    }
}
