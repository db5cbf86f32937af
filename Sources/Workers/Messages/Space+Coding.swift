import CWire
import Platform
import Tensors
import Wire

extension Space {
    /// The space of observations that a message names.
    static func observation(_ message: Apus__Worker__Space) throws(WireError) -> Space {
        switch message.kind_case {
        case APUS__WORKER__SPACE__KIND_BOX: return try box(message.box.pointee)
        case APUS__WORKER__SPACE__KIND_BYTES:
            let bytes = message.bytes.pointee
            guard let high = UInt8(exactly: bytes.high), high > 0 else {
                throw .invalid(field: "Bytes.high", value: "\(bytes.high)", allowed: "1 to 255")
            }
            return .bytes(shape: try shape("Bytes.shape", bytes.n_shape, bytes.shape), high: high)
        default: throw .invalid(field: "Opened.observation_space", value: name(message), allowed: "Box or Bytes")
        }
    }

    /// The space of actions that a message names.
    static func action(_ message: Apus__Worker__Space) throws(WireError) -> Space {
        switch message.kind_case {
        case APUS__WORKER__SPACE__KIND_DISCRETE: return .discrete(try choices("Discrete.count", message.discrete.pointee.count))
        case APUS__WORKER__SPACE__KIND_MULTI_DISCRETE:
            let multi = message.multi_discrete.pointee
            guard (1...4096).contains(multi.n_counts) else {
                throw .invalid(field: "MultiDiscrete.counts", value: "\(multi.n_counts) counts", allowed: "1 to 4096")
            }
            var counts: [Int] = []
            for index in 0..<multi.n_counts { counts.append(try choices("MultiDiscrete.counts", multi.counts[index])) }
            return .multiDiscrete(counts)
        case APUS__WORKER__SPACE__KIND_BOX: return try box(message.box.pointee)
        default: throw .invalid(field: "Opened.action_space", value: name(message), allowed: "Discrete, MultiDiscrete or Box")
        }
    }

    private static func name(_ message: Apus__Worker__Space) -> String {
        switch message.kind_case {
        case APUS__WORKER__SPACE__KIND_DISCRETE: "Discrete"
        case APUS__WORKER__SPACE__KIND_MULTI_DISCRETE: "MultiDiscrete"
        case APUS__WORKER__SPACE__KIND_BYTES: "Bytes"
        default: "of no kind"
        }
    }

    private static func choices(_ field: String, _ count: UInt32) throws(WireError) -> Int {
        guard (1...WorkerProtocol.maximumChoices).contains(count) else {
            throw .invalid(field: field, value: "\(count)", allowed: "1 to \(WorkerProtocol.maximumChoices)")
        }
        return Int(count)
    }

    /// Bounded before anything is computed from it.
    private static func shape(_ field: String, _ count: Int, _ extents: UnsafeMutablePointer<UInt32>?) throws(WireError) -> [Int] {
        guard let extents, (1...8).contains(count) else {
            throw .invalid(field: field, value: "\(count) extents", allowed: "1 to 8")
        }
        let shape = (0..<count).map { Int(extents[$0]) }
        var product = 1
        for extent in shape {
            guard extent > 0, extent <= WorkerProtocol.maximumElements / product else {
                throw .invalid(field: field, value: "\(shape)", allowed: "1 to \(WorkerProtocol.maximumElements) elements")
            }
            product *= extent
        }
        return shape
    }

    private static func box(_ message: Apus__Worker__Box) throws(WireError) -> Space {
        let shape = try shape("Box.shape", message.n_shape, message.shape)
        let count = shape.reduce(1, *)
        func bounds(_ field: String, _ data: ProtobufCBinaryData) throws(WireError) -> [Float] {
            guard data.len == count * 4 || data.len == 4, let base = data.data else {
                throw .invalid(field: field, value: "\(data.len) bytes", allowed: "\(count * 4) bytes, one float32 per element, or 4")
            }
            let bounds = SharedBytes(copying: UnsafeRawBufferPointer(start: base, count: data.len)).array(of: Float.self)
            return bounds.count == count ? bounds : Array(repeating: bounds[0], count: count)
        }
        let (low, high) = (try bounds("Box.low", message.low), try bounds("Box.high", message.high))
        // NaN is not ≤ anything.
        if let index = (0..<count).first(where: { !(low[$0] <= high[$0]) }) {
            throw .invalid(
                field: "Box.low", value: "\(low[index]) at element \(index)", allowed: "numbers up to its upper bound \(high[index])")
        }
        return .box(shape: shape, low: low, high: high)
    }

    /// For a message; everything lies in the arena.
    func message(_ arena: inout Arena) -> Apus__Worker__Space {
        var message = Apus__Worker__Space()
        apus__worker__space__init(&message)
        switch self {
        case .discrete(let count):
            var body = Apus__Worker__Discrete()
            apus__worker__discrete__init(&body)
            body.count = UInt32(count)
            message.kind_case = APUS__WORKER__SPACE__KIND_DISCRETE
            message.discrete = arena.message(body)
        case .multiDiscrete(let counts):
            var body = Apus__Worker__MultiDiscrete()
            apus__worker__multi_discrete__init(&body)
            (body.n_counts, body.counts) = (counts.count, arena.array(counts.map { UInt32($0) }))
            message.kind_case = APUS__WORKER__SPACE__KIND_MULTI_DISCRETE
            message.multi_discrete = arena.message(body)
        case .box(let shape, let low, let high):
            var body = Apus__Worker__Box()
            apus__worker__box__init(&body)
            (body.n_shape, body.shape) = (shape.count, arena.array(shape.map { UInt32($0) }))
            (body.low, body.high) = (Self.bytes(low, &arena), Self.bytes(high, &arena))
            message.kind_case = APUS__WORKER__SPACE__KIND_BOX
            message.box = arena.message(body)
        case .bytes(let shape, let high):
            var body = Apus__Worker__Bytes()
            apus__worker__bytes__init(&body)
            (body.n_shape, body.shape) = (shape.count, arena.array(shape.map { UInt32($0) }))
            body.high = UInt32(high)
            message.kind_case = APUS__WORKER__SPACE__KIND_BYTES
            message.bytes = arena.message(body)
        }
        return message
    }

    private static func bytes(_ values: [Float], _ arena: inout Arena) -> ProtobufCBinaryData {
        let values = Set(values).count == 1 ? [values[0]] : values
        let pointer = UnsafeMutableRawPointer(arena.array(values)).assumingMemoryBound(to: UInt8.self)
        return ProtobufCBinaryData(len: values.count * 4, data: pointer)
    }
}
