import Environments
import Glibc
import Platform
import Tensors
import Wire

/// Slots whose environments step in worker processes, divided among these in order.
///
/// A worker that ends, hangs, raises an error or breaks the protocol is killed and started again: its slots count as truncated in that
/// step, with the last observation they had as the final one and no reward, and the cause is told by `takeFailures`.
///
/// Randomness: the seed of a slot is a function of the key, the slot and how often its worker was started. What follows from a seed is the
/// worker's affair.
public final class ExternalSlots: Slots {
    public let count: Int
    public let observationSpace: Space
    public let actionSpace: Space

    private let environment: WorkerEnvironment
    private let opened: Opened
    private let key: RandomKey
    private let context = SocketContext()
    private let folder: RuntimeFolder
    private let check: StepCheck
    private var groups: [Group] = []
    /// Steps since the first reset, for messages.
    private var steps: UInt64 = 0
    private var episodes: [Episode]
    private var failures: [SlotFailure] = []
    private var failureTimes: [Time] = []
    private let waits = WaitRegister.current

    private struct Episode {
        var length: Int32 = 0
        /// Summed in double precision: long episodes of small rewards would lose digits otherwise.
        var earned: Double = 0
    }

    /// A worker and its slots.
    private struct Group {
        let slots: Range<Int>
        let id: String
        var worker: Worker { didSet { words = Self.words(id, slots, worker) } }
        /// For whoever waits for it.
        private(set) var words: String
        /// How often it was started again.
        var life: UInt64 = 0
        /// [B] + shape: the observations that the slots were last given. They are the final ones when the worker fails.
        let observations: UnsafeMutableRawBufferPointer
        /// [B] + shape: room for the final observations of a step.
        let finalObservations: UnsafeMutableRawBufferPointer

        private static func words(_ id: String, _ slots: Range<Int>, _ worker: Worker) -> String {
            "slots \(slots.lowerBound) to \(slots.upperBound - 1) of \(id), process \(worker.pid)"
        }

        init(id: String, slots: Range<Int>, worker: Worker, observationBytes: Int) {
            (self.id, self.slots, self.worker) = (id, slots, worker)
            words = Self.words(id, slots, worker)
            observations = .allocate(byteCount: slots.count * observationBytes, alignment: 64)
            finalObservations = .allocate(byteCount: slots.count * observationBytes, alignment: 64)
            observations.initializeMemory(as: UInt8.self, repeating: 0)
            finalObservations.initializeMemory(as: UInt8.self, repeating: 0)
        }
    }

    /// Starts the workers and waits until all are ready.
    ///
    /// - Parameter opened: what a worker has told of the environment; every worker must say the same.
    /// - Throws: `WorkerError`.
    init(_ environment: WorkerEnvironment, _ opened: Opened, slots: Int, key: RandomKey) throws {
        (self.environment, self.opened, self.key, count) = (environment, opened, key, slots)
        (observationSpace, actionSpace) = (opened.observationSpace, opened.actionSpace)
        check = StepCheck(id: environment.id, observationSpace: opened.observationSpace, actionSpace: opened.actionSpace)
        episodes = Array(repeating: Episode(), count: slots)
        folder = try RuntimeFolder()
        try environment.writeFiles(in: folder)
        let processes = min(environment.running.processes, slots)
        let ranges = (0..<processes).map { $0 * slots / processes..<($0 + 1) * slots / processes }
        // All are started before the first is waited for.
        let starting = try ranges.map { try start($0, life: 0) }
        for (range, starting) in zip(ranges, starting) {
            do {
                groups.append(Group(id: environment.id, slots: range, worker: try ready(starting), observationBytes: observationSpace.byteCount))
            } catch {
                throw environment.failure(error, of: starting)
            }
        }
    }

    deinit {
        for group in groups { group.worker.close() }
        let deadline = Time.now + 1
        for group in groups {
            group.worker.end(by: deadline)
            group.observations.deallocate()
            group.finalObservations.deallocate()
        }
    }

    /// The processes, in the order of their slots.
    public var processes: [(slots: Range<Int>, pid: Int32)] { groups.map { ($0.slots, $0.worker.pid) } }

    public func takeFailures() -> [SlotFailure] {
        defer { failures = [] }
        return failures
    }

    /// Waits for a group's worker, and lets others know.
    private func awaiting<Result>(
        _ index: Int, _ resource: String, _ body: () throws(WorkerFault) -> Result
    ) throws(WorkerFault) -> Result {
        guard let waits else { return try body() }
        return try waits.during(
            WaitRegister.Entry(
                thread: "stepping", resource: resource, holder: "environment", deadline: environment.running.stepDeadline,
                detail: groups[index].words), body)
    }

    // MARK: Starting

    private func start(_ slots: Range<Int>, life: UInt64) throws -> Worker.Starting {
        let seeds = slots.map { slot -> UInt64 in
            var stream = key.stream(slot: UInt32(truncatingIfNeeded: slot), episode: life)
            return stream.next()
        }
        do {
            return try Worker.start(
                environment.program, open: environment.open(seeds: seeds), context: context, folder: folder.path,
                name: "\(slots.lowerBound).\(life)")
        } catch let fault as WorkerFault {
            throw WorkerError(fault, opening: environment.id, output: [], remedy: nil)
        }
    }

    private func ready(_ starting: Worker.Starting) throws(WorkerFault) -> Worker {
        let entry = WaitRegister.Entry(
            thread: "stepping", resource: "start of a worker", holder: "environment", deadline: environment.running.openDeadline,
            detail: environment.id)
        let worker = try waiting(entry) { () throws(WorkerFault) in try Worker(starting, patience: environment.running.openDeadline) }
        guard worker.opened.observationSpace == observationSpace, worker.opened.actionSpace == actionSpace else {
            throw .malformed("its spaces are not those that it told before")
        }
        return worker
    }

    /// Starts a group's worker again until it has given first observations, or gives up.
    ///
    /// - Parameter fault: why.
    private func mend(_ index: Int, _ fault: WorkerFault) throws {
        var fault = fault
        while true {
            let lines = groups[index].worker.lastLines
            groups[index].worker.kill()
            failures.append(SlotFailure(slots: groups[index].slots, cause: fault.among(groups[index].slots).cause))
            failureTimes = failureTimes.filter { Time.now - $0 < 60 } + [.now]
            if case .refused = fault { throw WorkerError(fault, opening: environment.id, output: lines, remedy: nil) }
            guard failureTimes.count <= environment.running.restarts else {
                throw WorkerError(fault.among(groups[index].slots), id: environment.id, failures: failureTimes.count, output: lines)
            }
            groups[index].life += 1
            do {
                groups[index].worker = try ready(try start(groups[index].slots, life: groups[index].life))
                groups[index].worker.send(.reset)
                try takeFirst(index, by: .now + environment.running.stepDeadline)
                return
            } catch let next as WorkerFault {
                fault = next
            }
        }
    }

    /// Receives a group's first observations.
    private func takeFirst(_ index: Int, by deadline: Time) throws(WorkerFault) {
        let answer = try awaiting(index, "environment reset") { () throws(WorkerFault) in
            try groups[index].worker.receive(by: deadline, during: "Reset", seconds: environment.running.stepDeadline)
        }
        guard answer.message == .observations else { throw .malformed("\(answer.message.name) where Observations answers Reset") }
        let first = try check.first(answer.frames, slots: groups[index].slots)
        first.withBytes { groups[index].observations.copyMemory(from: $0) }
        for slot in groups[index].slots { episodes[slot] = Episode() }
    }

    // MARK: Stepping

    public func reset(observation: UnsafeMutableRawBufferPointer) throws {
        precondition(observation.count == count * observationSpace.byteCount, "a row must have \(count) slots of \(environment.id)")
        for group in groups { group.worker.send(.reset) }
        let deadline = Time.now + environment.running.stepDeadline
        for index in groups.indices {
            do {
                try takeFirst(index, by: deadline)
            } catch {
                try mend(index, error)
            }
            copyObservations(index, to: observation)
        }
    }

    public func step(_ row: SlotsRow, ended: (EndedEpisode) -> Void) throws {
        precondition(
            row.observation.count == count * observationSpace.byteCount && row.actions.count == count * actionSpace.byteCount
                && row.reward.count == count && row.terminated.count == count && row.truncated.count == count,
            "a row must have \(count) slots of \(environment.id)")
        try check.actions(row.actions, step: steps)
        for group in groups {
            let bytes = row.actions[(group.slots.lowerBound * actionSpace.byteCount)..<(group.slots.upperBound * actionSpace.byteCount)]
            group.worker.step(UnsafeRawBufferPointer(rebasing: bytes))
        }
        let deadline = Time.now + environment.running.stepDeadline
        for index in groups.indices {
            do {
                try take(index, row, by: deadline, ended: ended)
            } catch let fault as WorkerFault {
                try truncate(index, fault, row, ended: ended)
            }
        }
        steps += 1
    }

    /// Receives what a group's step has given into its part of the row, and checks it there: a worker that shares memory can still write
    /// to what it has sent. What is wrong is overwritten by `truncate`.
    private func take(_ index: Int, _ row: SlotsRow, by deadline: Time, ended: (EndedEpisode) -> Void) throws {
        let slots = groups[index].slots
        let target = StepTarget(
            observations: observations(of: index, in: row.observation), rewards: Self.part(of: row.reward, slots),
            terminated: Self.part(of: row.terminated, slots), truncated: Self.part(of: row.truncated, slots),
            finalObservations: groups[index].finalObservations)
        let finalBytes = try awaiting(index, "environment step") { () throws(WorkerFault) in
            try groups[index].worker.receiveStep(
                into: target, by: deadline, during: "step \(steps)", seconds: environment.running.stepDeadline)
        }
        try check.stepped(
            target, finalBytes: finalBytes, slots: slots, step: steps, lengths: episodes[slots].lazy.map(\.length), opened.maxEpisodeSteps)
        groups[index].observations.copyMemory(from: UnsafeRawBufferPointer(target.observations))
        var next = 0
        for slot in slots {
            episodes[slot].length += 1
            episodes[slot].earned += Double(row.reward[slot])
            guard row.terminated[slot] | row.truncated[slot] == 1 else { continue }
            report(slot, UnsafeRawBufferPointer(rebasing: target.finalObservations[next..<(next + observationSpace.byteCount)]), ended)
            next += observationSpace.byteCount
        }
    }

    /// Ends the episodes of a failed group and starts its worker again.
    private func truncate(_ index: Int, _ fault: WorkerFault, _ row: SlotsRow, ended: (EndedEpisode) -> Void) throws {
        let slots = groups[index].slots
        // The new worker's first observations take their place.
        let last = [UInt8](groups[index].observations)
        let lengths = episodes[slots]
        try mend(index, fault)
        copyObservations(index, to: row.observation)
        for slot in slots {
            (row.reward[slot], row.terminated[slot], row.truncated[slot]) = (0, 0, 1)
            episodes[slot] = lengths[slot]
            episodes[slot].length += 1
            last.withUnsafeBytes { bytes in
                let offset = (slot - slots.lowerBound) * observationSpace.byteCount
                report(slot, UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + observationSpace.byteCount)]), ended)
            }
        }
    }

    private static func part<Element>(of row: UnsafeMutableBufferPointer<Element>, _ slots: Range<Int>) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: row[slots]))
    }

    private func report(_ slot: Int, _ finalObservation: UnsafeRawBufferPointer, _ ended: (EndedEpisode) -> Void) {
        ended(
            EndedEpisode(
                slot: slot, finalObservation: finalObservation, episodeReturn: Float(episodes[slot].earned), length: episodes[slot].length))
        episodes[slot] = Episode()
    }

    private func copyObservations(_ index: Int, to row: UnsafeMutableRawBufferPointer) {
        observations(of: index, in: row).copyMemory(from: UnsafeRawBufferPointer(groups[index].observations))
    }

    private func observations(of index: Int, in row: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawBufferPointer {
        let (slots, bytes) = (groups[index].slots, observationSpace.byteCount)
        return UnsafeMutableRawBufferPointer(rebasing: row[(slots.lowerBound * bytes)..<(slots.upperBound * bytes)])
    }
}
