/// Settings as numbers with names: what travels where a type of its own for every setting would have to grow with each of them.
public struct NamedNumbers: Sendable, Hashable {
    public private(set) var values: [String: Double]

    public init(_ values: [String: Double] = [:]) { self.values = values }

    public subscript(name: String) -> Double? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// Reads settings; every name is read once, and what nobody has asked for is refused at the end.
    public struct Reader {
        private var rest: [String: Double]
        private let place: String

        public init(_ numbers: NamedNumbers, place: String) {
            rest = numbers.values
            self.place = place
        }

        /// A number within limits; `standard` where it is not told.
        public mutating func number(_ name: String, _ range: ClosedRange<Double>, _ standard: Double) throws(NumberError) -> Double {
            let value = rest.removeValue(forKey: name) ?? standard
            guard range.contains(value) else {
                throw NumberError(problem: "\(name) is \(value), allowed is \(range)", place: place)
            }
            return value
        }
        /// A whole number.
        public mutating func count(_ name: String, _ range: ClosedRange<Int>, _ standard: Int) throws(NumberError) -> Int {
            let value = try number(name, Double(range.lowerBound)...Double(range.upperBound), Double(standard))
            guard value == value.rounded() else { throw NumberError(problem: "\(name) is \(value), not a whole number", place: place) }
            return Int(value)
        }
        public mutating func flag(_ name: String, _ standard: Bool) throws(NumberError) -> Bool {
            try count(name, 0...1, standard ? 1 : 0) == 1
        }

        public func finish() throws(NumberError) {
            guard let name = rest.keys.min() else { return }
            throw NumberError(problem: "there is no setting \"\(name)\"", place: place)
        }
    }
}

/// A setting that cannot be used.
public struct NumberError: Remediable, Hashable {
    public let problem: String
    public let place: String
    public let remedy = "Both sides must run the same version of Apus."
}
