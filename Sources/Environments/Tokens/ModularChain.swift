import Tensors

/// A digit and what is done with it, from the left to the right, always modulo 10: "7+3*4-5".
struct ModularChain {
    /// The digit after every operation.
    let values: [Int]
    let answer: Int

    /// The chain of a prompt, which ends with "%".
    init(prompt: String) throws(TokenTaskError) {
        let characters = Array(prompt.utf8)
        func digit(_ index: Int) -> Int? { (0...9).contains(Int(characters[index]) - 48) ? Int(characters[index]) - 48 : nil }
        guard characters.count >= 2, characters.count % 2 == 0, characters.last == UInt8(ascii: "%"), var value = digit(0) else {
            throw Self.noChain(prompt)
        }
        var values: [Int] = []
        for index in stride(from: 1, to: characters.count - 1, by: 2) {
            guard let operand = digit(index + 1) else { throw Self.noChain(prompt) }
            switch characters[index] {
            case UInt8(ascii: "+"): value = (value + operand) % 10
            case UInt8(ascii: "-"): value = (value - operand + 10) % 10
            case UInt8(ascii: "*"): value = value * operand % 10
            default: throw Self.noChain(prompt)
            }
            values.append(value)
        }
        self.values = values
        answer = value
    }

    private static func noChain(_ prompt: String) -> TokenTaskError {
        TokenTaskError(
            problem: "the prompt is no digit followed by operations with digits and a %", place: "the prompt \"\(prompt)\"",
            remedy: "Give the tasks of this environment.")
    }

    static func random(_ operations: Int, signs: [Character], _ stream: inout RandomStream) -> String {
        var text = "\(stream.below(10))"
        for _ in 0..<operations { text += "\(stream.pick(signs))\(stream.from(1...9))" }
        return text + "%"
    }
}

/// What a chain is answered with: any characters, and then "#" and a digit.
struct WorkedAnswer {
    let work: Int
    let digit: Int

    init?(_ text: some StringProtocol) {
        let characters = Array(text.utf8)
        guard characters.count >= 2, characters.firstIndex(of: UInt8(ascii: "#")) == characters.count - 2,
            (48...57).contains(characters.last!)
        else { return nil }
        work = characters.count - 2
        digit = Int(characters.last!) - 48
    }
}
