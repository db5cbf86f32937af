import Methods
import Networks

extension RunSpec {
    /// The method that the run names, with its options.
    ///
    /// - Throws: `MethodError`
    public var algorithm: any Algorithm {
        get throws { try MethodCatalogue.current.make(id: method.id, options: method.options) }
    }

    /// What the method's gradient steps are trained on in this run.
    public var dataPlan: DataPlan {
        get throws { replay.applied(to: try algorithm.data) }
    }

    /// How the run's actors explore.
    public var exploration: Exploration {
        get throws { try algorithm.exploration.over(slots: max(actors.count, 1) * actors.slots) }
    }

    /// The network that actors and learner use: the one that the run names, or the method's own.
    public var networkSettings: NetworkSettings {
        get throws {
            var settings = network.settings
            if settings.id == "auto" { settings.id = try algorithm.networkID }
            if network.activation == .auto { settings.activation = NetworkCatalogue.current.activation(of: settings.id) }
            return settings
        }
    }
}
