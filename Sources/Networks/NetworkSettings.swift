import Platform
import Tensors

/// What stands between the layers of a network.
public enum Activation: String, Sendable, CaseIterable {
    case tanh, relu

    var fused: LinearActivation { self == .tanh ? .tanh : .relu }
}

/// How observations that are images become vectors.
public enum EncoderKind: String, Sendable, CaseIterable {
    /// By the observation's shape: `nature` for images of at least 36 × 36, `minatar` for smaller ones, `none` for vectors.
    case auto
    /// Observations are flattened.
    case none
    /// 16 filters 3×3 (Young & Tian, 2019).
    case minatar
    /// 32 filters 8×8 stride 4, 64 filters 4×4 stride 2, 64 filters 3×3 (Mnih et al., 2015).
    case nature
    /// Three blocks of 16, 32 and 32 filters with two residual units each (Espeholt et al., 2018).
    case impala
}

/// What carries information from step to step.
public enum MemoryKind: String, Sendable, CaseIterable {
    case none, gru, lstm
}

/// The distribution from which actions of a box are drawn.
public enum ContinuousPolicy: String, Sendable, CaseIterable {
    /// Normal; the environment gets the draw clipped to its bounds.
    case gaussian
    /// Normal, squashed by tanh into the bounds.
    case tanhGaussian = "tanh_gaussian"
}

/// How a network is built for an environment's spaces.
public struct NetworkSettings: Sendable, Hashable {
    /// Which network; the others are of `ActorCritic`, and whoever brings a network may use them as well.
    public var id = "actor_critic"
    public var encoder = EncoderKind.auto
    /// The width of each fully connected layer.
    public var hidden = [64, 64]
    public var activation = Activation.tanh
    /// Normalise each fully connected layer's output before its activation (Ba et al., 2016).
    public var layerNorm = false
    public var memory = MemoryKind.none
    /// The units of the memory.
    public var memoryWidth = 256
    /// A torso of its own for the value function.
    public var separateValue = false
    /// Centre and scale observations by their running mean and variance; part of the weights.
    public var normalizeObservations = false
    public var continuousPolicy = ContinuousPolicy.gaussian
    /// The logarithm of the initial standard deviation of a continuous policy.
    public var initialLogDeviation: Float = 0

    public init(hidden: [Int] = [64, 64], activation: Activation = .tanh) {
        self.hidden = hidden
        self.activation = activation
    }
}

/// Why no network can be built as asked.
public struct NetworkError: Remediable, Equatable {
    public let problem: String
    public let place: String
    public let remedy: String
}
