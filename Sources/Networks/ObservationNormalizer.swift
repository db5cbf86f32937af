import Tensors

/// Centres and scales observations by statistics that are part of the weights, so that actor, learner and evaluation use the same numbers.
///
/// The learner counts them (`ObservationStatistics`) and writes them between updates; they have no gradient.
struct ObservationNormalizer {
    /// Values farther from the mean than this many standard deviations are cut (as in OpenAI's baselines).
    static let clip: Float = 10
    static let meanName = "normalizer.mean"
    static let scaleName = "normalizer.scale"

    private let mean: Int
    private let scale: Int

    /// Adds "normalizer.mean" and "normalizer.scale" (1 / standard deviation), both [count].
    init(count: Int, _ layout: inout ParameterLayout) {
        mean = layout.add(Self.meanName, [count])
        scale = layout.add(Self.scaleName, [count])
    }

    func initialize(_ parameters: Parameters) { parameters[scale].withMutableBuffer { $0.update(repeating: 1) } }

    /// [rows, count] → [rows, count]
    func callAsFunction(_ x: Tensor, _ parameters: Parameters) -> Tensor {
        normalize(x, mean: parameters[mean].detached, scale: parameters[scale].detached, limit: Self.clip)
    }
}

extension Weights {
    /// Sets the statistics of a network that normalises its observations.
    public func setNormalizer(mean: [Float], scale: [Float]) {
        for (name, values) in [(ObservationNormalizer.meanName, mean), (ObservationNormalizer.scaleName, scale)] {
            guard let spec = layout.specs.first(where: { $0.name == name }) else { preconditionFailure("the network has no \(name)") }
            precondition(spec.count == values.count, "\(values.count) values for \(name), which has \(spec.count)")
            flat.rows(spec.offset..<spec.offset + spec.count).withMutableBuffer { _ = $0.update(fromContentsOf: values) }
        }
    }
}
