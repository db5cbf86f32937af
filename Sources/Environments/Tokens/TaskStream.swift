import Tensors

/// Where the randomness of tasks comes from: the same in every run, so that a task's number means one task.
public enum TaskStream {
    /// - Parameter heldOut: tasks for evaluation come from other streams.
    public static func of(_ environment: String, _ id: UInt32, heldOut: Bool) -> RandomStream {
        // FNV-1a of the name: environments have streams of their own.
        let name = environment.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return RandomKey(seed: name, purpose: heldOut ? .evaluation : .environment).stream(slot: 0, episode: UInt64(id))
    }

    /// A number that stands for a text: FNV-1a, and then the last step of MurmurHash3, so that all bits count.
    public static func hash(_ text: String) -> UInt64 {
        var hash = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return hash ^ hash >> 33
    }

    /// Whether a prompt is kept for evaluation: one in eight is, by its text, whichever task has it.
    public static func isHeldOut(_ prompt: String) -> Bool { hash(prompt) % 8 == 0 }

    /// A task of an even level, with a prompt that is held out, or is not.
    /// - Parameter write: draws a prompt of a level.
    static func task(
        _ environment: some TokenEnvironment, _ id: UInt32, heldOut: Bool, _ write: (_ level: Int, _ stream: inout RandomStream) -> String
    ) -> TokenTask {
        var stream = of(type(of: environment).id, id, heldOut: heldOut)
        let level = stream.below(environment.levels)
        var prompt = write(level, &stream)
        // Some levels have so few prompts that none, or every one, is held out: these have the same tasks for both.
        for _ in 0..<128 where isHeldOut(prompt) != heldOut { prompt = write(level, &stream) }
        return TokenTask(id: id, difficulty: UInt16(level), prompt: environment.vocabulary.tokens(ofOwn: prompt))
    }
}

/// Draws that are a function of the stream alone: those of the standard library may change with its version.
extension RandomStream {
    /// From 0, below `bound`.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func from(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

    mutating func pick<Element>(_ elements: some RandomAccessCollection<Element>) -> Element {
        elements[elements.index(elements.startIndex, offsetBy: below(elements.count))]
    }

    /// The elements in an order in which each comes with the same probability (Fisher and Yates).
    mutating func shuffled<Element>(_ elements: some Sequence<Element>) -> [Element] {
        var elements = Array(elements)
        for last in elements.indices.reversed() where last > 0 { elements.swapAt(last, below(last + 1)) }
        return elements
    }
}
