import Networks
import Platform
import Tensors

/// Cases computed by another implementation: inputs, and what must come out. `apus doctor --reference FILE` evaluates a file of them on
/// this machine.
public enum References {
    /// The largest relative deviation |a − b| / max(1, |b|) between what is computed here and the case's outputs and gradients; nil for a
    /// case of a name that is not known. Infinite when something here is NaN or infinite where the case is not.
    public static func deviation(of reference: JSON) throws(ReferenceError) -> Double? {
        guard let name = reference["name"]?.string else { throw ReferenceError(name: "?", problem: "a case without a name") }
        guard let evaluate = known[name] else { return nil }
        var comparison = Comparison()
        try evaluate(ReferenceCase(name: name, json: reference), &comparison)
        return comparison.largest
    }

    /// The names that are known.
    public static var names: [String] { known.keys.sorted() }

    typealias Evaluation = @Sendable (ReferenceCase, inout Comparison) throws(ReferenceError) -> Void

    private static let known = [networks, layers].reduce(estimators) { $0.merging($1) { first, _ in first } }
}

/// Why a case cannot be evaluated.
public struct ReferenceError: Remediable, Equatable {
    public let problem: String
    public let place: String
    public var remedy: String { "Compare the case with the format of the reference files." }

    init(name: String, problem: String) {
        self.problem = problem
        place = "reference case \(name)"
    }
}

/// Collects deviations.
struct Comparison {
    private(set) var largest = 0.0

    mutating func add(_ computed: [Float], _ expected: [Float], _ what: String, of reference: ReferenceCase) throws(ReferenceError) {
        guard computed.count == expected.count else {
            throw ReferenceError(name: reference.name, problem: "\(what) has \(expected.count) numbers in place of \(computed.count)")
        }
        for (a, b) in zip(computed, expected) where a != b {
            let deviation = Double(abs(a - b) / max(1, abs(b)))
            largest = max(largest, deviation.isNaN ? .infinity : deviation)
        }
    }
}

/// One case, read with errors that name what is missing.
struct ReferenceCase {
    let name: String
    let json: JSON

    func member(_ path: String...) throws(ReferenceError) -> JSON {
        var value = json
        for key in path {
            guard let next = value[key] else { throw fail("\(path.joined(separator: ".")) is missing") }
            value = next
        }
        return value
    }

    func number(_ path: String...) throws(ReferenceError) -> Float {
        guard let number = path.reduce(Optional(json), { $0?[$1] })?.number else {
            throw fail("\(path.joined(separator: ".")) is no number")
        }
        return Float(number)
    }

    /// A number or the (nested) list of numbers under a key of `inputs` or `outputs`.
    func numbers(_ group: String, _ key: String, count: Int? = nil) throws(ReferenceError) -> [Float] {
        guard let numbers = try flattened(member(group, key)) else { throw fail("\(group).\(key) holds something that is no number") }
        if let count, numbers.count != count { throw fail("\(group).\(key) has \(numbers.count) numbers in place of \(count)") }
        return numbers
    }

    /// A list of rows of one length: [rows, columns].
    func matrix(_ group: String, _ key: String) throws(ReferenceError) -> Tensor {
        guard let rows = try member(group, key).array, let columns = rows.first?.array?.count, columns > 0,
            rows.allSatisfy({ $0.array?.count == columns })
        else { throw fail("\(group).\(key) is no list of equal rows") }
        return Tensor(try numbers(group, key, count: rows.count * columns), [rows.count, columns])
    }

    /// `{"shape": [...], "data": [...]}`
    func tensor(_ value: JSON, _ what: String) throws(ReferenceError) -> Tensor {
        guard let axes = value["shape"]?.array, let data = value["data"].flatMap(flattened) else { throw fail("\(what) is no tensor") }
        let shape = axes.compactMap { $0.integer.flatMap { 0...(1 << 30) ~= $0 ? $0 : nil } }
        var count = 1
        for axis in shape { count = count.multipliedReportingOverflow(by: axis).partialValue }
        guard shape.count == axes.count, count == data.count else {
            throw fail("\(what) has \(data.count) numbers for the shape \(String(decoding: JSON.array(axes).serialized(), as: UTF8.self))")
        }
        return Tensor(data, shape)
    }
    func tensor(_ path: String...) throws(ReferenceError) -> Tensor { try tensor(path) }
    func tensor(_ path: [String]) throws(ReferenceError) -> Tensor {
        var value = json
        for key in path {
            guard let next = value[key] else { throw fail("\(path.joined(separator: ".")) is missing") }
            value = next
        }
        return try tensor(value, path.joined(separator: "."))
    }

    func fail(_ problem: String) -> ReferenceError { ReferenceError(name: name, problem: problem) }

    private func flattened(_ value: JSON) -> [Float]? {
        if let number = value.number { return [Float(number)] }
        guard let list = value.array else { return nil }
        var numbers: [Float] = []
        for element in list {
            guard let more = flattened(element) else { return nil }
            numbers += more
        }
        return numbers
    }
}
