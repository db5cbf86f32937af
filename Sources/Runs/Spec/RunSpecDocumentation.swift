extension RunSpec {
    /// One line for every key, in the order of the file. Written as comments into `run.yaml` and shown by the command line.
    public static let documentation: [(key: String, text: String)] = [
        ("name", "What the run is called; unless --name is given, its directory is this and the time of the start"),
        ("seed", "All randomness of the run comes from this whole number"),
        ("environment", "What the actors step"),
        ("environment.id", "Name of the environment (apus environments lists them)"),
        ("network", "The policy and value network"),
        ("network.hidden", "Width of each hidden layer, from the observation upwards"),
        ("network.activation", "Function after each hidden layer: \(NetworkSection.Activation.names)"),
        ("method", "How the policy is improved"),
        ("method.id", "Name of the method (apus methods lists them)"),
        ("method.options", "The method's own settings by name; what is left out has the method's default"),
        ("optimizer", "How gradients change the weights"),
        ("optimizer.id", "Update rule: \(OptimizerSection.Kind.names)"),
        ("optimizer.learning_rate", "Step size"),
        ("optimizer.schedule", "Step size over the run: constant, or linear down to 0 at stop.frames"),
        ("optimizer.clip_norm", "Gradients with a greater global norm are scaled down to it"),
        ("optimizer.epsilon", "Added to the denominator of the update rule"),
        ("actors", "The processes that step environments"),
        ("actors.count", "Actors to start in local mode; 0: only those that come from elsewhere"),
        ("actors.slots", "Environments that one actor steps side by side"),
        ("actors.unroll", "Steps of one rollout"),
        ("actors.credits", "Rollouts that an actor may have sent and not yet acknowledged; bounds memory and lag"),
        ("learner", "The process that trains"),
        ("learner.rollouts_per_update", "Rollouts in one update"),
        ("learner.max_lag", "Rollouts older than this many policy versions are not trained on"),
        ("learner.threads", "Threads of the matrix products"),
        ("learner.checkpoint_seconds", "Time between checkpoints, in seconds"),
        ("learner.keep_checkpoints", "Newest checkpoints to keep, besides the best one"),
        ("learner.on_nonfinite", "An update with NaN or Inf is refused, and then the run does this: \(LearnerSection.OnNonfinite.names)"),
        ("stop", "The run ends at the first of these"),
        ("stop.frames", "Environment steps, over all actors"),
        ("stop.return", "Mean return at which the task is solved (null: never)"),
        ("stop.episodes", "Training episodes in the mean that stop.return is compared with"),
        ("stop.evaluation_episodes", "Episodes of one evaluation"),
        ("stop.seconds", "Wall-clock time, in seconds (.inf: no limit)"),
        ("metrics", "What is recorded"),
        ("metrics.every_seconds", "Time between two records, in seconds"),
    ]

    /// Keys whose own keys are free: they name settings of something that this type does not know.
    static let open: Set<String> = ["method.options"]
}
