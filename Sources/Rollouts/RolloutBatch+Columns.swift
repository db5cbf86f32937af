import Platform
import Tensors

extension RolloutBatch {
    /// Everything that an update needs of the batch, for a checkpoint; not where it came from.
    public var columns: [Column] {
        func floats(_ name: String, _ x: Tensor) -> Column {
            Column(name, .float32, x.shape, x.withBuffer { SharedBytes(copying: UnsafeRawBufferPointer($0)) })
        }
        func integers(_ name: String, _ x: [Int32]) -> Column {
            Column(name, .int32, [x.count], x.withUnsafeBytes { SharedBytes(copying: $0) })
        }
        func flags(_ name: String, _ x: [UInt8]) -> Column {
            Column(name, .uint8, [steps, slots], x.withUnsafeBytes { SharedBytes(copying: $0) })
        }
        func rows(_ name: String, _ x: Observations) -> Column {
            Column(name, x.space.elementType, [x.count, x.space.count], x.withBytes { SharedBytes(copying: $0) })
        }
        let actions: Column =
            switch action {
            case .choices(let choices): integers("action", choices)
            case .vectors(let vectors): floats("action", vectors)
            }
        return [
            rows("observation", observation), actions, floats("behaviour_log_prob", behaviourLogProb), floats("reward", reward),
            flags("terminated", terminated), flags("truncated", truncated), integers("final_index", finalIndex),
            rows("final_observation", finalObservation), floats("recurrent_state", recurrentState),
            floats("behaviour_policy", behaviourPolicy), floats("weight", weight),
        ]
    }

    /// A batch from its `columns`, as one part of version 0 whose episodes are counted already.
    ///
    /// - Throws: `RolloutError` that names the column which is missing or does not fit.
    public init(columns: [Column], observationSpace space: Space) throws(RolloutError) {
        let id = RolloutID(actor: 0, incarnation: 0, sequence: 0)
        func refuse(_ name: String, _ problem: String) -> RolloutError {
            RolloutError(id, name, problem, remedy: "Resume with the run file that the checkpoint was written with.")
        }
        func found(_ name: String, _ type: ElementType, _ fits: ([Int]) -> Bool) throws(RolloutError) -> Column {
            guard let column = columns.first(where: { $0.name == name }) else { throw refuse(name, "is missing") }
            guard column.type == type, fits(column.shape) else { throw refuse(name, "is \(column.type) \(column.shape)") }
            return column
        }
        func floats(_ name: String, _ fits: ([Int]) -> Bool) throws(RolloutError) -> Tensor {
            let column = try found(name, .float32, fits)
            return Tensor(column.bytes.array(of: Float.self), column.shape)
        }
        let logProb = try floats("behaviour_log_prob") { $0.count == 2 && $0[0] > 0 && $0[1] > 0 }
        let (steps, slots) = (logProb.shape[0], logProb.shape[1])
        func flags(_ name: String) throws(RolloutError) -> [UInt8] {
            try found(name, .uint8) { $0 == [steps, slots] }.bytes.array(of: UInt8.self)
        }
        func rows(_ name: String, _ count: Int) throws(RolloutError) -> Observations {
            let column = try found(name, space.elementType) { $0 == [count, space.count] }
            return column.bytes.withBytes { Observations(copying: $0, space) }
        }
        let index = try found("final_index", .int32) { $0.count == 1 }.bytes.array(of: Int32.self)
        guard index.allSatisfy({ $0 >= 0 && $0 < steps * slots }) else { throw refuse("final_index", "is outside of the batch") }
        let action: Actions
        if columns.first(where: { $0.name == "action" })?.type == .float32 {
            action = .vectors(try floats("action") { $0.count == 2 && $0[0] == steps * slots })
        } else {
            action = .choices(
                try found("action", .int32) { $0[0] > 0 && $0[0] % (steps * slots) == 0 }.bytes.array(of: Int32.self))
        }
        self.init(
            steps: steps, slots: slots, parts: [Part(id: id, version: 0, slots: 0..<slots)],
            observation: try rows("observation", (steps + 1) * slots), action: action, behaviourLogProb: logProb,
            reward: try floats("reward") { $0 == [steps, slots] }, terminated: try flags("terminated"), truncated: try flags("truncated"),
            finalIndex: index, finalObservation: try rows("final_observation", index.count), episodeReturns: [], episodeLengths: [],
            recurrentState: try floats("recurrent_state") { $0.count == 2 && $0[0] == slots },
            behaviourPolicy: try floats("behaviour_policy") { $0.count == 2 && $0[0] == steps * slots },
            weight: try floats("weight") { $0 == [slots] }, keys: [], burnIn: 0)
    }
}
