import Glibc
import Platform
import Runs
import Wire

/// Runs cells side by side, each in a child process of this very program.
final class Experiment {
    enum Outcome {
        case done(CellResult)
        /// What the cell's process said last.
        case failed(String)

        var result: CellResult? { if case .done(let result) = self { result } else { nil } }
        var failure: String? { if case .failed(let text) = self { text } else { nil } }
    }

    private struct Running {
        let index: Int
        let child: Child
        let directory: RunDirectory
    }

    private let cells: [Cell]
    private let identities: [String]
    private let record: CellRecord
    private let workers: Int
    private let signals: Signals
    private let folder: RuntimeFolder
    /// Where the runs' directories stay; nil: they go.
    private let kept: String?
    private let program: String

    private var outcomes: [String: Outcome] = [:]
    private var running: [Running] = []
    private var signalCount = 0

    /// - Parameter keep: a folder in which the directories of the runs stay.
    init(_ cells: [Cell], record: CellRecord, workers: Int, signals: Signals, keep: String? = nil) throws {
        self.cells = cells
        self.record = record
        self.workers = workers
        self.signals = signals
        kept = keep
        identities = try cells.map { try $0.identity() }
        folder = try RuntimeFolder()
        program = try Files.readLink("/proc/self/exe")
        for identity in identities { if let result = record[identity] { outcomes[identity] = .done(result) } }
    }

    /// How many different cells there are, and how many of them are known.
    var progress: (done: Int, total: Int) { (outcomes.count, Set(identities).count) }

    /// nil while the cell has not ended.
    func outcome(_ index: Int) -> Outcome? { outcomes[identities[index]] }

    /// Runs what is not known yet, in the order of the cells. Nothing is left behind: no process, no folder.
    ///
    /// - Parameter report: called after every cell.
    /// - Returns: false when a signal ended it.
    func run(_ report: () throws -> Void) throws -> Bool {
        defer { clear() }
        var begun = Set(outcomes.keys)
        var waiting = identities.indices.filter { begun.insert(identities[$0]).inserted }[...]
        while !waiting.isEmpty || !running.isEmpty {
            while running.count < workers, let index = waiting.popFirst() { running.append(try start(index)) }
            Poll.wait(sockets: [], descriptors: signals.descriptors, milliseconds: 10)
            if signals.received(before: &signalCount, abandoning: abandon) { return false }
            for one in running {
                guard let exit = one.child.poll() else { continue }
                running.removeAll { $0.index == one.index }
                try note(one, exit)
                try report()
            }
        }
        return true
    }

    private func start(_ index: Int) throws -> Running {
        let cell = cells[index]
        let label = String(String.UnicodeScalarView(cell.label.unicodeScalars.filter { $0 != "," }.map { Self.isPlain($0) ? $0 : "-" }))
        let name = "\(label)-\(identities[index])"
        let runs = kept ?? folder.path
        try Files.remove("\(runs)/\(name)")
        let directory = try RunDirectory.create(runs: runs, name: name, spec: cell.spec)
        let child = try Child(
            cell.label, program: program,
            arguments: ["cell", directory.path, "--lag", cell.lag.text] + (cell.endsAtTarget ? ["--until-target"] : []),
            log: log(directory))
        return Running(index: index, child: child, directory: directory)
    }

    /// Whether it may stand in a directory's name.
    private static func isPlain(_ character: Unicode.Scalar) -> Bool {
        character.isASCII && (character.properties.isAlphabetic || character.properties.numericType != nil)
    }

    private func log(_ directory: RunDirectory) -> String { "\(directory.log)/cell.log" }

    private func note(_ one: Running, _ exit: Child.Exit) throws {
        let identity = identities[one.index]
        let lines = try String(decoding: Files.read(log(one.directory)), as: UTF8.self).split(separator: "\n")
        if exit == .code(0), let last = lines.last, let json = try? JSON.parse(Array(last.utf8), place: one.child.name),
            let result = CellResult(json)
        {
            try record.append(cells[one.index], identity, result)
            outcomes[identity] = .done(result)
        } else {
            let said = lines.last { $0.hasPrefix("Error: ") }?.dropFirst(7) ?? lines.last ?? "it said nothing"
            outcomes[identity] = .failed(exit == .code(1) ? String(said) : "the process \(exit): \(said)")
        }
        if kept == nil { try Files.remove(one.directory.path) }
    }

    private func abandon() {
        clear()
        try? Files.remove(folder.path)
    }

    private func clear() {
        for one in running { one.child.signal(SIGKILL) }
        for one in running {
            var status: Int32 = 0
            waitpid(one.child.pid, &status, 0)
            if kept == nil { try? Files.remove(one.directory.path) }
        }
        running = []
    }
}
