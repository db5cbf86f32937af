import Platform
import Tensors

extension Transformer {
    /// The weights of a safetensors file, by name: those of a model of the Llama family in Hugging Face's names.
    ///
    /// A value head that the file lacks starts at 0; a head that is tied to the embedding may stand in the file as well.
    /// - Parameter place: the file's name, for errors.
    public func weights(from columns: [Column], place: String) throws(NetworkError) -> Weights {
        let weights = Weights(layout)
        let parameters = weights.parameters()
        let optional: Set<Int> = value.map { [$0.weight, $0.bias] } ?? []
        for (index, spec) in layout.specs.enumerated() {
            guard let column = columns.first(where: { $0.name == spec.name }) else {
                if optional.contains(index) { continue }
                throw NetworkError(
                    problem: "the file has no tensor \"\(spec.name)\"", place: place,
                    remedy: "Give the weights of a Llama model of \(settings.layers) layers"
                        + (spec.name == "lm_head.weight" ? ", or set tied embeddings" : ""))
            }
            guard column.type == .float32, column.shape == spec.shape else {
                throw NetworkError(
                    problem: "tensor \"\(spec.name)\" is \(column.type) \(column.shape), the network needs float32 \(spec.shape)", place: place,
                    remedy: "Build the network with the sizes of the file's config.json")
            }
            parameters[index].withMutableBuffer { target in
                column.bytes.withBytes { UnsafeMutableRawBufferPointer(target).copyMemory(from: $0) }
            }
        }
        let known = Set(layout.specs.map(\.name)).union(settings.tiesEmbeddings ? ["lm_head.weight"] : [])
        // Older files carry the frequencies of the rotary positions, which the settings give.
        if let other = columns.first(where: { !known.contains($0.name) && !$0.name.hasSuffix("rotary_emb.inv_freq") }) {
            throw NetworkError(
                problem: "the network has no place for the tensor \"\(other.name)\"", place: place,
                remedy: "Build the network with the sizes of the file's config.json; biases of attention are not supported")
        }
        return weights
    }
}
