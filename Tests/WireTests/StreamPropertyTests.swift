import Testing

/// Outbox against intake under thousands of random schedules: nothing is accepted or trained twice, nothing of a living actor is lost,
/// credits hold, and
/// after the faults training always goes on.
@Suite struct StreamPropertyTests {
    private static let configurations = [0, 1, 4].flatMap { lag in (1...4).map { actors in (lag: lag, actors: actors) } }

    private func run(lag: Int, actors: Int, faults: Bool, schedules: Int) {
        for rolloutsPerUpdate in 1...3 {
            // Also where an update needs more rollouts than all actors together have credits for.
            for credits in 1...3 {
                for seed in 0..<schedules {
                    let settings = StreamSimulation.Settings(
                        seed: UInt64(seed), actors: actors, credits: credits, rolloutsPerUpdate: rolloutsPerUpdate, maxLag: lag,
                        faults: faults)
                    var simulation = StreamSimulation(settings)
                    simulation.run(steps: 400)
                    guard simulation.violations.isEmpty else {
                        Issue.record("\(settings): \(simulation.violations.prefix(3).joined(separator: "; "))")
                        return
                    }
                }
            }
        }
    }

    @Test(arguments: configurations) func survivesFaults(lag: Int, actors: Int) {
        run(lag: lag, actors: actors, faults: true, schedules: 15)
    }

    @Test(arguments: configurations) func wastesNothingWithoutFaults(lag: Int, actors: Int) {
        run(lag: lag, actors: actors, faults: false, schedules: 4)
    }
}
