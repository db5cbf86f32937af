extension TokenStep {
    /// (lp − mean lp)(A − mean A) of every token, means over those that count; 0 where a token does not. A softmax policy's entropy changes
    /// with a step of the policy gradient by −η times their mean (S113).
    public var covariances: [Float] {
        let counting = (0..<count).filter { mask[$0] > 0 }
        let number = Double(max(counting.count, 1))
        let logProbMean = Float(counting.reduce(0.0) { $0 + Double(logProb[$1]) } / number)
        let advantageMean = Float(counting.reduce(0.0) { $0 + Double(advantage[$1]) } / number)
        var covariances = [Float](repeating: 0, count: count)
        for token in counting { covariances[token] = (logProb[token] - logProbMean) * (advantage[token] - advantageMean) }
        return covariances
    }
}
