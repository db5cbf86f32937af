/// Text for a shell.
public enum Shell {
    /// One word, whatever is in it: for sh and its kin, and for csh and fish where it holds no line's end.
    public static func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "_-./:=@%+,".utf8.contains(byte)
            }
        }
        return isPlain ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    /// A command as somebody would type it.
    public static func line(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }

    /// Whether a text may be a path: something, and no control characters.
    static func isPath(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } }
}
