extension RestorableEnvironment {
    /// Refuses a state that no episode could be in: the wrong length, or something that is no number.
    static func check(_ state: [Double], count: Int) throws(EnvironmentError) {
        guard state.count == count else {
            throw EnvironmentError(
                problem: "a state of \(state.count) numbers", place: "the state of \(id) to continue from",
                remedy: "Give its \(count) numbers, in the order in which the environment's documentation names them.")
        }
        guard let index = state.firstIndex(where: { !$0.isFinite }) else { return }
        throw EnvironmentError(
            problem: "number \(index) of the state is \(state[index])", place: "the state of \(id) to continue from",
            remedy: "Give a state that was read from an episode: every number in it is finite.")
    }
}
