/// What the last matrix of the network multiplies, and what comes out: for methods that look at a step of the optimiser before it is made.
public struct LastLayer: Sendable {
    /// The optimiser's memory of the gradients of the last matrix, [V, H] each.
    public struct Moments: Sendable {
        public var first: [Float]
        public var second: [Float]
        public var beta1: Float
        public var beta2: Float
        public var epsilon: Float
        /// What the moments of the next step are divided by: 1 − βᵗ of Adam.
        public var correction1: Float = 1
        public var correction2: Float = 1

        public init(first: [Float], second: [Float], beta1: Float, beta2: Float, epsilon: Float) {
            (self.first, self.second, self.beta1, self.beta2, self.epsilon) = (first, second, beta1, beta2, epsilon)
        }
    }

    /// H
    public var width: Int
    /// V
    public var vocabulary: Int
    /// [N, H]
    public var hidden: [Float]
    /// [N, V] probabilities
    public var probabilities: [Float]
    /// nil for plain descent, and before the optimiser's first step: it remembers nothing yet.
    public var moments: Moments?

    public init(width: Int, vocabulary: Int, hidden: [Float], probabilities: [Float], moments: Moments? = nil) {
        self.width = width
        self.vocabulary = vocabulary
        self.hidden = hidden
        self.probabilities = probabilities
        self.moments = moments
    }

    /// What the optimiser would make of a gradient g of the element `index` of the matrix.
    public func direction(_ g: Float, _ index: Int) -> Float {
        guard let moments else { return g }
        let first = (moments.beta1 * moments.first[index] + (1 - moments.beta1) * g) / moments.correction1
        let second = (moments.beta2 * moments.second[index] + (1 - moments.beta2) * g * g) / moments.correction2
        return first / (second.squareRoot() + moments.epsilon)
    }
}
