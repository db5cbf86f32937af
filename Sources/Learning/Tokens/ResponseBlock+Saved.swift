import Platform
import Rollouts
import Tensors

extension ResponseBlock {
    /// Its columns under names that begin with `prefix`, as they stand in a checkpoint.
    func columns(named prefix: String) -> [Column] { columns.map { Column(prefix + $0.name, $0.type, $0.shape, $0.bytes) } }

    /// From the columns of a checkpoint; nil: it has none of that prefix.
    init?(columns: [Column], named prefix: String, what: String, version: UInt64) throws(TrainingStateError) {
        let found = columns.filter { $0.name.hasPrefix(prefix) }
        guard !found.isEmpty else { return nil }
        let own = found.map { Column(String($0.name.dropFirst(prefix.count)), $0.type, $0.shape, $0.bytes) }
        guard let block = ResponseBlock(columns: own), block.groups.shape.last == Self.groupFields, block.responses.shape.last == Self.responseFields
        else { throw TrainingStateError(problem: "\(what) are incomplete", version: version) }
        self = block
    }
}
