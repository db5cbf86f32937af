import Learning
import Platform
import Runs

/// One training run of an experiment: what is trained, with data of which age.
struct Cell {
    /// What it is in the experiment, for people: "vtrace, lag 4, seed 2".
    let label: String
    let spec: RunSpec
    let lag: LagInjection
    /// Whether it is over once the training return is at `stop.return`; otherwise it goes on until the frames are done, solved or not, so
    /// that all runs of an experiment are equally long.
    let endsAtTarget: Bool

    init(_ label: String, _ spec: RunSpec, lag: LagInjection, endsAtTarget: Bool = false) {
        self.label = label
        self.spec = spec
        self.lag = lag
        self.endsAtTarget = endsAtTarget
    }

    /// Equal for cells with equal results: a hash of the resolved description (but for its name), of the lag and of Apus' version.
    func identity() throws -> String {
        var spec = spec
        spec.name = "cell"
        let text = String(decoding: try spec.json().sorted.serialized(), as: UTF8.self)
        return Self.hash("\(Release.version)|\(lag.text)|\(endsAtTarget)|\(text)")
    }

    /// FNV-1a with 64 bits (Fowler, Noll and Vo, 1991), as 16 digits.
    private static func hash(_ text: String) -> String {
        var value: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension LagInjection {
    /// As it stands on the command line of a cell: "4", "0...4".
    var text: String {
        switch self {
        case .none: "0"
        case .fixed(let lag): "\(lag)"
        case .uniform(let bound): "0...\(bound)"
        }
    }

    /// Reads what `text` wrote.
    init?(text: String) {
        if let bound = text.hasPrefix("0...") ? Int(text.dropFirst(4)) : nil, bound >= 0 {
            self = .uniform(through: bound)
        } else if let lag = Int(text), lag >= 0 {
            self = lag == 0 ? .none : .fixed(lag)
        } else {
            return nil
        }
    }
}

extension JSON {
    /// With the members of every object in the order of their names: options come in any order.
    fileprivate var sorted: JSON {
        switch self {
        case .object(let members): .object(members.map { Member($0.name, $0.value.sorted) }.sorted { $0.name < $1.name })
        case .array(let values): .array(values.map(\.sorted))
        default: self
        }
    }
}
