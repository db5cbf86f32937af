/// An error that a person can act on: what was wrong, where, and what to do about it.
///
/// Every typed error of Apus conforms, so that each program prints errors the same way: `error: PROBLEM (in PLACE). REMEDY`.
public protocol Remediable: Error, CustomStringConvertible {
    /// What is wrong, with the offending value.
    var problem: String { get }
    /// Where: a file, a key, a message, an address.
    var place: String { get }
    /// What to do about it.
    var remedy: String { get }
}

extension Remediable {
    public var description: String { "\(problem) (in \(place)). \(remedy)" }
}
