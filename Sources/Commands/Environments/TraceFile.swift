import Platform

/// A recorded trajectory: a CSV file with the columns episode, step, state0 …, action0 …, obs0 …, reward, terminated, truncated.
///
/// A row holds the state before the step, the action, and what the step gave.
struct TraceFile {
    struct Row {
        /// In the file, from 1; the header is line 1.
        let line: Int
        let episode: Int
        let step: Int
        let state: [Double]
        let action: [Double]
        let observation: [Double]
        let reward: Double
        let terminated: Bool
        let truncated: Bool
    }

    let path: String
    let rows: [Row]

    /// Reads a file for an environment.
    ///
    /// - Parameters:
    ///   - actions: the numbers of an action.
    ///   - observations: the numbers of an observation.
    /// - Throws: `TraceError` with line and column, or `FileError`.
    init(_ path: String, actions: Int, observations: Int) throws {
        self.path = path
        let text = String(decoding: try Files.read(path), as: UTF8.self)
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let header = lines[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let columns = try Self.columns(header, path, actions: actions, observations: observations)
        rows = try lines.enumerated().dropFirst().filter { !$0.element.isEmpty }.map { index, line in
            try Self.row(line, number: index + 1, header, columns, path)
        }
        guard !rows.isEmpty else { throw TraceError("there is no row", path, line: lines.count) }
    }

    /// Where each column stands.
    private struct Columns {
        var scalars: [String: Int] = [:]
        var state: [Int] = []
        var action: [Int] = []
        var observation: [Int] = []
    }

    private static func columns(_ header: [String], _ path: String, actions: Int, observations: Int) throws(TraceError) -> Columns {
        var columns = Columns()
        for (index, name) in header.enumerated() {
            if header[..<index].contains(name) { throw TraceError("the column \"\(name)\" stands twice", path, line: 1, column: index + 1) }
        }
        func numbered(_ prefix: String) -> [Int] {
            var found: [Int] = []
            while let index = header.firstIndex(of: "\(prefix)\(found.count)") { found.append(index) }
            return found
        }
        (columns.state, columns.action, columns.observation) = (numbered("state"), numbered("action"), numbered("obs"))
        for name in ["episode", "step", "reward", "terminated", "truncated"] {
            guard let index = header.firstIndex(of: name) else { throw TraceError("there is no column \"\(name)\"", path, line: 1) }
            columns.scalars[name] = index
        }
        guard !columns.state.isEmpty else { throw TraceError("there is no column \"state0\"", path, line: 1) }
        for (prefix, found, expected) in [("action", columns.action.count, actions), ("obs", columns.observation.count, observations)] {
            guard found == expected else {
                throw TraceError("\(found) columns \(prefix)0 … where the environment has \(expected)", path, line: 1)
            }
        }
        let used = Set(columns.state + columns.action + columns.observation + columns.scalars.values)
        if let index = header.indices.first(where: { !used.contains($0) }) {
            throw TraceError("unknown column \"\(header[index])\"", path, line: 1, column: index + 1)
        }
        return columns
    }

    private static func row(
        _ text: Substring, number line: Int, _ header: [String], _ columns: Columns, _ path: String
    ) throws(TraceError) -> Row {
        let cells = text.split(separator: ",", omittingEmptySubsequences: false)
        guard cells.count == header.count else {
            throw TraceError(
                "\(cells.count) cells in place of \(header.count)", path, line: line, column: min(cells.count, header.count) + 1)
        }
        func wrong(_ index: Int, _ what: String) -> TraceError {
            TraceError("\(header[index]) is \"\(cells[index])\", which is no \(what)", path, line: line, column: index + 1)
        }
        func number(_ index: Int) throws(TraceError) -> Double {
            guard let value = Double(cells[index]), value.isFinite else { throw wrong(index, "finite number") }
            return value
        }
        func numbers(_ indices: [Int]) throws(TraceError) -> [Double] {
            var values: [Double] = []
            for index in indices { values.append(try number(index)) }
            return values
        }
        func whole(_ name: String) throws(TraceError) -> Int {
            let index = columns.scalars[name]!
            guard let value = Int(cells[index]), value >= 0 else { throw wrong(index, "whole number") }
            return value
        }
        func flag(_ name: String) throws(TraceError) -> Bool {
            let index = columns.scalars[name]!
            guard let value = ["0": false, "1": true][cells[index]] else { throw wrong(index, "flag (0 or 1)") }
            return value
        }
        return Row(
            line: line, episode: try whole("episode"), step: try whole("step"), state: try numbers(columns.state),
            action: try numbers(columns.action), observation: try numbers(columns.observation),
            reward: try number(columns.scalars["reward"]!), terminated: try flag("terminated"), truncated: try flag("truncated"))
    }
}

/// A file that holds no trajectory.
struct TraceError: Remediable, Equatable {
    let problem: String
    let place: String
    var remedy: String {
        "A trace has the columns episode, step, state0 …, action0 …, obs0 …, reward, terminated, truncated, and one row for each step."
    }

    init(_ problem: String, _ path: String, line: Int, column: Int? = nil) {
        self.problem = problem
        place = "\(path), line \(line)" + (column.map { ", column \($0)" } ?? "")
    }
}
