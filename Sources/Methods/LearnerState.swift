import Platform
import Tensors

/// The saved state of a learner, by name.
public struct LearnerState {
    private let columns: [String: Column]

    public init(_ columns: [Column]) throws(LearnerStateError) {
        self.columns = Dictionary(columns.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Writes a column's values into a tensor of its shape.
    public func load(_ name: String, into tensor: Tensor) throws(LearnerStateError) {
        let values = try floats(name, tensor.shape)
        tensor.withMutableBuffer { _ = $0.update(fromContentsOf: values) }
    }

    public func scalar(_ name: String) throws(LearnerStateError) -> Float { try floats(name, [])[0] }

    private func floats(_ name: String, _ shape: [Int]) throws(LearnerStateError) -> [Float] {
        guard let column = columns[name] else { throw LearnerStateError(problem: "\(name) is missing") }
        guard column.type == .float32, column.shape == shape else {
            throw LearnerStateError(problem: "\(name) is \(column.type) \(column.shape), expected float32 \(shape)")
        }
        let values = column.bytes.array(of: Float.self)
        guard values.allSatisfy(\.isFinite) else { throw LearnerStateError(problem: "\(name) is not finite") }
        return values
    }

    /// The columns whose names begin with a prefix, without it.
    public func columns(under prefix: String) -> [Column] {
        columns.values.filter { $0.name.hasPrefix(prefix) }.sorted { $0.name < $1.name }
            .map { Column(String($0.name.dropFirst(prefix.count)), $0.type, $0.shape, $0.bytes) }
    }
}

/// Why a saved state cannot be gone on from.
public struct LearnerStateError: Remediable, Equatable {
    public let problem: String
    public let place = "the learner's state"
    public let remedy = "Resume with the method, the network and the environment that the checkpoint was written with."
}

extension Column {
    /// A copy of a tensor's values.
    public init(_ name: String, _ tensor: Tensor) {
        self.init(name, .float32, tensor.shape, tensor.withBuffer { SharedBytes(copying: UnsafeRawBufferPointer($0)) })
    }

    /// The same values under `prefix` + name.
    public func under(_ prefix: String) -> Column { Column(prefix + name, type, shape, bytes) }
}
