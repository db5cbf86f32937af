import Environments
import Platform
import Tensors
import Wire

/// An environment that lives in worker processes: which program, what it is asked to open, and how it is run.
public struct WorkerEnvironment: Sendable {
    /// As the run names it.
    public let id: String
    public let program: WorkerProgram
    /// What the worker is asked for.
    public let name: String
    public let options: [String: Double]
    public let maxEpisodeSteps: Int?
    public let running: WorkerOptions

    /// - Parameters:
    ///   - name: the environment's name as the worker knows it.
    ///   - settings: the run's; of its options those of `WorkerOptions` are ours and the rest the worker's.
    public init(_ program: WorkerProgram, name: String, settings: EnvironmentSettings) throws {
        id = settings.id
        self.program = program
        self.name = name
        var options = settings.options
        running = try WorkerOptions(taking: &options, id: id)
        self.options = options
        maxEpisodeSteps = settings.maxEpisodeSteps
    }

    func open(seeds: [UInt64]) -> Open { Open(environment: name, seeds: seeds, options: options, maxEpisodeSteps: maxEpisodeSteps) }

    /// Asks a worker for the spaces, which takes its start and end.
    func describe() throws -> (hello: Hello, opened: Opened) {
        let (context, folder) = (SocketContext(), try RuntimeFolder())
        let worker = try start(context: context, folder: folder, name: "d", seeds: [])
        worker.close()
        worker.end(by: .now + 2)
        return (worker.hello, worker.opened)
    }

    /// Starts a worker and waits until it is ready.
    ///
    /// - Throws: `WorkerError`.
    private func start(context: SocketContext, folder: RuntimeFolder, name: String, seeds: [UInt64]) throws -> Worker {
        let starting: Worker.Starting
        do {
            try writeFiles(in: folder)
            starting = try Worker.start(program, open: open(seeds: seeds), context: context, folder: folder.path, name: name)
        } catch let fault as WorkerFault {
            throw WorkerError(fault, opening: id, output: [], remedy: nil)
        }
        do {
            return try Worker(starting, patience: running.openDeadline)
        } catch {
            throw failure(error, of: starting)
        }
    }

    /// Puts the program's own files where it looks for them.
    func writeFiles(in folder: RuntimeFolder) throws {
        for file in program.files {
            let path = "\(folder.path)/\(file.name)"
            try Files.createDirectory(Files.parent(of: path))
            try Files.write(file.text, to: path, flush: false)
        }
    }

    /// That a worker did not come up.
    func failure(_ fault: WorkerFault, of starting: Worker.Starting) -> WorkerError {
        let lines = starting.lastLines
        return WorkerError(fault, opening: id, output: lines, remedy: program.remedy(lines))
    }

    /// With the spaces that a worker tells.
    public func resolved() throws -> ResolvedEnvironment {
        let opened = try describe().opened
        return ResolvedEnvironment(
            id: id, observationSpace: opened.observationSpace, actionSpace: opened.actionSpace, maxEpisodeSteps: opened.maxEpisodeSteps,
            solvedReturn: opened.solvedReturn.map { Float($0) }
        ) { slots, key in
            try ExternalSlots(self, opened, slots: slots, key: key)
        }
    }
}
