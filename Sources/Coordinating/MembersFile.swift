import Platform
import Wire

/// `members.json` in the run directory: what of the membership must outlive the coordinator.
struct MembersFile {
    let path: String

    struct Content: Equatable {
        /// The run's number: a process or a message of another run is recognised by it.
        var run: UInt64
        var ledger: Membership.Ledger
    }

    /// nil when the run has never been led.
    func read() throws -> Content? {
        guard Files.exists(path) else { return nil }
        let json = try JSON.parse(Files.read(path), place: path)
        func number<Value: FixedWidthInteger>(_ value: JSON?, _ key: String) throws(MembersFileError) -> Value {
            guard let text = value?.string, let number = Value(text) else { throw MembersFileError(path: path, key: key) }
            return number
        }
        var ledger = Membership.Ledger()
        ledger.learnerLives = try number(json["learner_lives"], "learner_lives")
        for member in json["incarnations"]?.object ?? [] {
            guard let rank = UInt32(member.name) else { throw MembersFileError(path: path, key: "incarnations") }
            ledger.incarnations[rank] = try number(member.value, "incarnations.\(rank)")
        }
        for member in json["holders"]?.object ?? [] {
            guard let rank = UInt32(member.name), let name = member.value["name"]?.string else { throw MembersFileError(path: path, key: "holders") }
            ledger.holders[rank] = MemberIdentity(name: name, fingerprint: try number(member.value["fingerprint"], "holders.\(rank).fingerprint"))
        }
        return Content(run: try number(json["run"], "run"), ledger: ledger)
    }

    func write(_ content: Content) throws(FileError) {
        // Numbers of 64 bits are texts: JSON readers take numbers for doubles.
        let incarnations = content.ledger.incarnations.sorted { $0.key < $1.key }.map { JSON.Member("\($0.key)", .string("\($0.value)")) }
        let holders = content.ledger.holders.sorted { $0.key < $1.key }.map {
            JSON.Member(
                "\($0.key)",
                .object([JSON.Member("name", .string($0.value.name)), JSON.Member("fingerprint", .string("\($0.value.fingerprint)"))]))
        }
        let json = JSON.object([
            JSON.Member("run", .string("\(content.run)")), JSON.Member("learner_lives", .string("\(content.ledger.learnerLives)")),
            JSON.Member("incarnations", .object(incarnations)), JSON.Member("holders", .object(holders)),
        ])
        try Files.writeAtomically(json.serialized() + [UInt8(ascii: "\n")], to: path)
    }
}

struct MembersFileError: Remediable {
    let path: String
    let key: String
    var problem: String { "\(key) is missing or no whole number" }
    var place: String { path }
    var remedy: String { "Restore the file from a copy, or start a new run: without it, processes could draw the same random numbers twice." }
}
