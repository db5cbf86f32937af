/// The actions of many steps, one after the other, as the policy drew them.
public enum Actions {
    /// Discrete choices; a multi-discrete space has several per step.
    case choices([Int32])
    /// [steps, A]
    case vectors(Tensor)
}
