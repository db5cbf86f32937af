import Tensors

/// The faults of a run, in the order of their times: a pure function of the seed and the number of actors, so that what has failed once can be
/// done again.
struct FaultSchedule: Sequence {
    let seed: UInt64
    let actors: Int

    /// Endless; take as many as are wanted.
    func makeIterator() -> Faults { Faults(seed: seed, actors: actors) }
}

struct Faults: IteratorProtocol {
    private var stream: RandomStream
    private let actors: Int
    private var time = 0.0
    private var kills: [(member: String, time: Double)] = []
    /// By member, until when something has hold of its process: no second fault would be told from the first.
    private var held: [String: Double] = [:]

    /// Seconds between the beginnings of two faults.
    private static let gap = 0.2...1.6
    /// A supervisor gives a role up that dies too often in ten seconds.
    private static let killsInTenSeconds = 3

    init(seed: UInt64, actors: Int) {
        // A key of its own among the run's: its actors are counted from 0.
        stream = RandomKey(seed: seed, purpose: .environment, actor: .max, incarnation: .max).stream(slot: 0, episode: 0)
        self.actors = actors
    }

    mutating func next() -> Fault? {
        time += stream.uniform(in: Self.gap)
        while true {
            let fault = draw()
            guard held[fault.member].map({ $0 < fault.start }) ?? true else {
                // Something may have hold of everybody.
                time += 0.05
                continue
            }
            if fault.kind == .kill {
                guard kills.count(where: { $0.member == fault.member && time - $0.time < 10 }) < Self.killsInTenSeconds else { continue }
                kills.append((fault.member, time))
                // Until it is there again, there is nobody to do anything to.
                held[fault.member] = time + 0.5
            } else {
                held[fault.member] = fault.end
            }
            return fault
        }
    }

    private mutating func draw() -> Fault {
        let actor = "actor-\(Int.random(in: 0..<actors, using: &stream))"
        let member = ["coordinator", "learner", actor, actor][Int.random(in: 0..<4, using: &stream)]
        // Most are over before anybody takes anybody for gone; a third are not.
        let seconds = Int.random(in: 0..<3, using: &stream) == 0 ? stream.uniform(in: 3.5...7) : stream.uniform(in: 0.1...1.5)
        func fault(_ kind: Fault.Kind, of member: String, seconds: Double) -> Fault {
            Fault(kind: kind, member: member, start: time, seconds: seconds)
        }
        switch Int.random(in: 0..<20, using: &stream) {
        case 0..<6: return fault(.kill, of: member, seconds: 0)
        case 6..<10: return fault(.pause, of: member, seconds: seconds)
        case 10..<15:
            let cut = Fault.Cut.allCases[Int.random(in: 0..<3, using: &stream)]
            return fault(.cut(cut, services: services(of: member)), of: member, seconds: seconds)
        case 15: return fault(.delay(seconds: stream.uniform(in: 0.01...0.3), services: services(of: member)), of: member, seconds: seconds)
        case 16: return fault(.limit(bytesPerSecond: 1 << Int.random(in: 14...20, using: &stream), services: services(of: member)), of: member, seconds: seconds)
        case 17, 18: return fault(.slow(share: stream.uniform(in: 0.05...0.5)), of: member, seconds: seconds)
        default: return fault(.fullDisk, of: member == "coordinator" ? member : "learner", seconds: min(seconds, 1.5))
        }
    }

    /// Between an actor and others, or between the learner or the coordinator and everybody.
    private mutating func services(of member: String) -> [Fault.Service] {
        if member == "coordinator" { return [.control] }
        return switch Int.random(in: 0..<4, using: &stream) {
        case 0: [.control]
        case 1: [.rollouts]
        case 2: [.rollouts, .weights]
        default: Fault.Service.allCases
        }
    }
}
