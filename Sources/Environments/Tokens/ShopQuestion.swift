import Tensors

/// A question about the company's tables, as a policy reads it and as a query: "mean pay of emp per dept?", "name of emp with age>30?".
struct ShopQuestion: Hashable {
    enum Aggregate: String, CaseIterable {
        case least, largest, total, mean, count

        var function: String {
            switch self {
            case .least: "min"
            case .largest: "max"
            case .total: "sum"
            case .mean: "avg"
            case .count: "count"
            }
        }
    }

    struct Condition: Hashable {
        /// Of a table that `of` refers to where there is a point: "dept.city".
        var column: String
        var sign: Character
        var value: String
    }

    var aggregate: Aggregate?
    /// Empty: rows are counted.
    var columns: [String] = []
    var table: String
    var condition: Condition?
    var group: String?
    /// The first rows in that order: (column, descending, how many).
    var order: Order?
    struct Order: Hashable {
        var column: String
        var isDescending: Bool
        var count: Int
    }

    /// Kinds of questions: columns, conditions, aggregates, groups, orders, and conditions on a second table.
    static let levels = 6
    /// Bounds for all questions and their queries.
    static let longestText = 40
    static let longestQuery = 88

    init(_ level: Int, _ stream: inout RandomStream) {
        var source = stream.pick(ShopDatabase.tables)
        if level == 4 { source = ShopDatabase.employees }
        if level == 5 { source = stream.pick([ShopDatabase.employees, ShopDatabase.sales]) }
        table = source.name
        // Numbers that mean something, which numbers of rows do not.
        let measures = source.numbers.filter { $0 == "pay" || $0 == "age" || $0 == "n" }
        func someColumns(_ stream: inout RandomStream) -> [String] { Array(stream.shuffled(source.texts + source.numbers).prefix(stream.from(1...2))) }
        switch level {
        case 0: columns = someColumns(&stream)
        case 1:
            columns = someColumns(&stream)
            condition = Self.condition(source, prefix: "", &stream)
        case 2, 3:
            aggregate = measures.isEmpty ? .count : stream.pick(Aggregate.allCases)
            columns = aggregate == .count ? [] : [stream.pick(measures)]
            if level == 3 {
                group = stream.pick(source.texts.filter { $0 != "name" } + source.numbers.filter { $0 == "dept" || $0 == "emp" })
            } else if stream.below(2) == 0 {
                condition = Self.condition(source, prefix: "", &stream)
            }
        case 4:
            columns = someColumns(&stream)
            order = Order(column: stream.pick(["name", "pay"]), isDescending: stream.below(2) == 0, count: stream.from(1...9))
        default:
            columns = someColumns(&stream)
            let other = source.name == "emp" ? ShopDatabase.departments : ShopDatabase.employees
            condition = Self.condition(other, prefix: other.name + ".", &stream)
        }
    }

    private static func condition(_ table: ShopDatabase.Table, prefix: String, _ stream: inout RandomStream) -> Condition {
        let column = stream.pick(table.texts + table.numbers)
        let texts =
            switch column {
            case "name": table.name == "emp" ? ShopDatabase.people : ShopDatabase.trades
            case "city": ShopDatabase.cities
            case "item": ShopDatabase.items
            default: [String]()
            }
        if !texts.isEmpty { return Condition(column: prefix + column, sign: "=", value: stream.pick(texts)) }
        let range =
            switch column {
            case "pay": 100...260
            case "age": 20...59
            case "n": 1...9
            case "dept": 1...4
            default: table.name == "dept" ? 1...4 : 1...16
            }
        return Condition(column: prefix + column, sign: stream.pick(["=", "<", ">"]), value: "\(stream.from(range))")
    }

    /// As a policy reads it.
    var text: String {
        var text = [aggregate?.rawValue, columns.isEmpty ? nil : columns.joined(separator: ",")].compactMap { $0 }.joined(separator: " ")
        text += " of \(table)"
        if let condition { text += " with \(condition.column)\(condition.sign)\(condition.value)" }
        if let group { text += " per \(group)" }
        if let order { text += ", \(order.count) \(order.isDescending ? "last" : "first") by \(order.column)" }
        return text + "?"
    }

    /// Reads what `text` writes; nil: it is no question.
    init?(_ text: String) {
        guard text.last == "?" else { return nil }
        let words = text.dropLast().split(separator: " ").map(String.init)
        guard let of = words.firstIndex(of: "of"), of + 1 < words.count else { return nil }
        let before = words[..<of]
        aggregate = before.first.flatMap(Aggregate.init)
        columns = before.dropFirst(aggregate == nil ? 0 : 1).flatMap { $0.split(separator: ",").map(String.init) }
        table = words[of + 1].filter { $0 != "," }
        var rest = words[(of + 2)...]
        while let word = rest.popFirst() {
            switch word {
            case "with":
                guard let said = rest.popFirst(), let sign = said.firstIndex(where: { "=<>".contains($0) }) else { return nil }
                condition = Condition(column: String(said[..<sign]), sign: said[sign], value: String(said[said.index(after: sign)...]))
            case "per": group = rest.popFirst()
            default:
                guard let count = Int(word), let end = rest.popFirst(), rest.popFirst() == "by", let column = rest.popFirst() else { return nil }
                order = Order(column: column, isDescending: end == "last", count: count)
            }
        }
        guard columns.isEmpty == (aggregate == .count) else { return nil }
    }

    /// The reference query.
    var query: String {
        let joined = condition.flatMap { $0.column.contains(".") ? String($0.column.prefix { $0 != "." }) : nil }
        let named = columns.map { joined == nil ? $0 : "\(table).\($0)" }
        var selected = aggregate.map { ["\($0.function)(\(named.first ?? "*"))"] } ?? named
        if let group { selected.insert(group, at: 0) }
        var query = "select \(selected.joined(separator: ",")) from \(table)"
        if let joined { query += " join \(joined) on \(table).\(joined)=\(joined).id" }
        if let condition {
            query += " where \(condition.column)\(condition.sign)" + (Int(condition.value) == nil ? "'\(condition.value)'" : condition.value)
        }
        if let group { query += " group by \(group)" }
        if let order { query += " order by \(order.column)\(order.isDescending ? " desc" : "") limit \(order.count)" }
        return query
    }
}
