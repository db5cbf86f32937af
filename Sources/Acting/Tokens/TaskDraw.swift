import Environments
import Rollouts
import Tensors

/// Which task the next group is about: a function of the seed, the actor, the number of the group and the weights that the learner gives.
struct TaskDraw {
    private let environment: any TokenEnvironment
    private let mode: SamplingSettings.Tasks
    private let tasks: TokenSampler.Tasks
    private let key: RandomKey
    /// Of levels or of tasks.
    private var weights: [Float] = []
    private var largest: Float = 0

    init(_ environment: any TokenEnvironment, _ mode: SamplingSettings.Tasks, tasks: TokenSampler.Tasks, key: RandomKey) {
        self.environment = environment
        self.mode = mode
        self.tasks = tasks
        self.key = key
    }

    /// How many weights there are.
    static func count(_ environment: any TokenEnvironment, _ mode: SamplingSettings.Tasks) -> Int {
        switch mode {
        case .uniform: 0
        case .levels: environment.levels
        case .tasks: Int(environment.taskCount)
        }
    }

    mutating func load(_ weights: UnsafeBufferPointer<Float>) {
        self.weights = Array(weights)
        largest = weights.max() ?? 0
    }

    /// A draw that is not taken is made again: no table of all tasks is needed, and weights that change cost nothing. After 1,024 tries the
    /// task is taken as it comes.
    func task(group: UInt64) -> TokenTask {
        switch tasks {
        case .heldOut: return environment.heldOutTask(UInt32(truncatingIfNeeded: group))
        case .inOrder: return environment.task(UInt32(group % UInt64(environment.taskCount)))
        case .training: break
        }
        var stream = key.stream(slot: 0, episode: group)
        var task = environment.task(UInt32(stream.next() % UInt64(environment.taskCount)))
        guard mode != .uniform, largest > 0 else { return task }
        for _ in 0..<1024 {
            let weight = weights[mode == .levels ? Int(task.difficulty) : Int(task.id)]
            if Float(stream.uniform()) * largest < weight { break }
            task = environment.task(UInt32(stream.next() % UInt64(environment.taskCount)))
        }
        return task
    }
}
