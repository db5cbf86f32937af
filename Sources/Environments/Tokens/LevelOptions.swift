extension EnvironmentOption {
    static let tasks = EnvironmentOption("tasks", 4096, 1...1e9, "training tasks")
}

extension EnvironmentOptions {
    /// What levels go through: from the option `least` to the option `most`.
    func levels(_ least: String, _ most: String) throws(EnvironmentError) -> ClosedRange<Int> {
        let (smallest, largest) = (Int(self[least]), Int(self[most]))
        guard smallest <= largest else {
            throw EnvironmentError(
                problem: "\(least) is \(smallest), more than \(most), which is \(largest)", place: "environment.options.\(least)",
                remedy: "Give at most as much to the smallest level as to the largest.")
        }
        return smallest...largest
    }
}
