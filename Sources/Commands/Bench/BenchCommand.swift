import ArgumentParser

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures this machine: real processes, several runs, median and spread.",
        subcommands: [
            BenchCartPole.self, BenchEnvironments.self, BenchNetworks.self, BenchReplay.self, BenchScale.self, BenchUpdates.self, BenchWire.self,
            BenchWirePeer.self, SimulatedActorsCommand.self,
        ])
}

/// Several measurements of one number.
struct Sample {
    let values: [Double]

    /// The middle one, or the mean of the two in the middle.
    var median: Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
    var lowest: Double { values.min() ?? .nan }
    var highest: Double { values.max() ?? .nan }
}
