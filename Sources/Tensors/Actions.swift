/// The actions of many steps, one after the other, as the policy drew them.
public enum Actions {
    /// Discrete choices; a multi-discrete space has several per step.
    case choices([Int32])
    /// [steps, A]
    case vectors(Tensor)
}

extension Actions {
    /// Some steps' actions, copied.
    ///
    /// - Parameter count: of all steps.
    public func picked(_ steps: [Int], of count: Int) -> Actions {
        switch self {
        case .vectors(let vectors): return .vectors(vectors.picked(steps))
        case .choices(let choices):
            let width = choices.count / count
            if width == 1 { return .choices(steps.map { choices[$0] }) }
            return .choices(steps.flatMap { choices[($0 * width)..<(($0 + 1) * width)] })
        }
    }
}
