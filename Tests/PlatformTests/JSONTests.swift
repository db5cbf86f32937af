import Platform
import Tensors
import TestSupport
import Testing

@Suite struct JSONTests {
    private func parse(_ text: String) throws -> JSON { try JSON.parse(Array(text.utf8), place: "a test") }

    @Test func values() throws {
        #expect(try parse(" null ") == .null)
        #expect(try parse("[true,false]") == .array([.bool(true), .bool(false)]))
        #expect(try parse("-0") == .integer(0))
        #expect(try parse("9223372036854775807") == .integer(.max))
        #expect(try parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
        #expect(try parse("-1.5e-3") == .number(-0.0015))
        #expect(try parse("{ \"b\" : 1 , \"a\" : { } }") == .object([JSON.Member("b", .integer(1)), JSON.Member("a", .object([]))]))
        #expect(try parse(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é""#).string == "\"\\/\u{8}\u{c}\n\r\té😀é")
    }

    @Test(arguments: [
        "", " ", "tru", "nul", "truex", "01", "-", "1.", ".5", "1e", "1e999", "+1", "[1,]", "[1 2]", "[", "{\"a\"}", "{\"a\":1,}",
        "{a:1}", "{\"a\":1",
        "{\"a\":1,\"a\":2}", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
        "\"\u{1}\"", "1 2",
        "NaN", "Infinity", "'a'", "[1]]",
    ]) func refused(_ text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test func refusedBytesAndDepth() throws {
        #expect(throws: JSONError.self) { try JSON.parse([0x22, 0xFF, 0x22], place: "a test") }
        #expect(throws: JSONError.self) { try JSON.parse([0xC2, 0xA0, 0x31], place: "a test") }
        let deep = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        _ = try parse(deep(JSON.maximumDepth + 1))
        #expect(throws: JSONError.self) { try parse(deep(JSON.maximumDepth + 2)) }
        #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
    }

    @Test func roundTrip() throws {
        let value = JSON.object([
            JSON.Member("text \"quoted\" \\ \n\u{1}é😀", .string("\u{0}")),
            JSON.Member("n", .array([.integer(.min), .number(0.1), .number(1e300), .null])),
        ])
        #expect(try JSON.parse(value.serialized(), place: "a test") == value)
        #expect(String(decoding: JSON.array([.number(.nan), .number(-.infinity)]).serialized(), as: UTF8.self) == "[null,null]")
    }

    /// Whatever is parsed after random changes is written and read to the same value.
    @Test func fuzz() throws {
        var random = RandomKey(seed: 2, purpose: .learner).stream(slot: 0, episode: 0)
        let seeds = [#"{"a":[1,-2.5e3,"x\u00e9\n"],"b":{"c":null,"d":true}}"#, #"[[[],{}],"\ud83d\ude00",0.1]"#].map { Array($0.utf8) }
        var accepted = 0
        for round in 0..<100_000 {
            var text = seeds[round % seeds.count]
            mutate(&text, &random)
            if let value = try? JSON.parse(text, place: "fuzz") {
                accepted += 1
                #expect(try JSON.parse(value.serialized(), place: "fuzz") == value)
            }
        }
        #expect(accepted > 1000)
    }
}
