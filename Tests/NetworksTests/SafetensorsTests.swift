import Glibc
import Networks
import Platform
import Tensors
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    private static func column<T: BitwiseCopyable>(_ name: String, _ type: ElementType, _ shape: [Int], _ values: [T]) -> Column {
        Column(name, type, shape, values.withUnsafeBytes { SharedBytes(copying: $0) })
    }

    private static let columns = [
        column("done", .uint8, [3], [1, 0, 255] as [UInt8]),
        column("policy.weight", .float32, [2, 3], [0, -1.5, .infinity, 0x1p-129, 3, 0.1] as [Float]),
        column("steps", .int32, [], [Int32.min]), column("empty \"é\"", .float32, [0, 4], [] as [Float]),
    ]
    private static let metadata = ["format": "pt", "run": "a \"name\"\n"]

    private func same(_ columns: [Column], _ metadata: [String: String]) {
        #expect(metadata == Self.metadata)
        #expect(columns.count == Self.columns.count)
        for expected in Self.columns {
            guard let actual = columns.first(where: { $0.name == expected.name }) else {
                Issue.record("\(expected.name) is missing")
                continue
            }
            #expect(actual.type == expected.type && actual.shape == expected.shape)
            #expect(actual.bytes.array(of: UInt8.self) == expected.bytes.array(of: UInt8.self))
            #expect(UInt(bitPattern: actual.bytes.pointer) % UInt(actual.type.byteCount) == 0)
        }
    }

    @Test func roundTrip() throws {
        let bytes = Safetensors.encode(Self.columns, metadata: Self.metadata)
        #expect(bytes[0] % 8 == 0, "the values start at a multiple of 8")
        let (columns, metadata) = try Safetensors.decode(bytes, place: "w.safetensors")
        same(columns, metadata)
        #expect(try Safetensors.decode(Safetensors.encode([]), place: "w.safetensors").columns.isEmpty)
    }

    private func file(_ header: String, _ data: Int, length: UInt64? = nil) -> [UInt8] {
        let length = length ?? UInt64(header.utf8.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8) + [UInt8](repeating: 0, count: data)
    }

    @Test func damagedFilesAreRefused() {
        let tensor = { (dtype: String, shape: String, offsets: String) in
            "{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
        }
        let good = "{\"a\":\(tensor("F32", "[2]", "[0,8]"))}"
        #expect(throws: Never.self) { try Safetensors.decode(file(good, 8), place: "x") }
        let bad: [(String, [UInt8])] = [
            ("fewer than the 8", [1, 2, 3]),
            ("only", file(good, 0, length: 1000)),
            ("more than", file(good, 8, length: .max)),
            ("more than", file(good, 8, length: 1 << 40)),
            ("JSON", file("what", 0)),
            ("not an object", file("[]", 0)),
            ("bytes follow", file(good, 7)),
            ("1 bytes follow the last", file(good, 9)),
            ("F64", file("{\"a\":\(tensor("F64", "[1]", "[0,8]"))}", 8)),
            ("do not hold", file("{\"a\":\(tensor("F32", "[3]", "[0,8]"))}", 8)),
            ("do not hold", file("{\"a\":\(tensor("F32", "[2]", "[8,0]"))}", 8)),
            ("do not hold", file("{\"a\":\(tensor("F32", "[2]", "[-8,0]"))}", 8)),
            ("too large", file("{\"a\":\(tensor("F32", "[9223372036854775807,4]", "[0,8]"))}", 8)),
            ("no length", file("{\"a\":\(tensor("F32", "[-2]", "[0,8]"))}", 8)),
            ("no length", file("{\"a\":\(tensor("F32", "[2.0]", "[0,8]"))}", 8)),
            ("not made of integers", file("{\"a\":\(tensor("F32", "[2]", "[0]"))}", 8)),
            ("not made of integers", file("{\"a\":\(tensor("F32", "[2]", "[0,1e99]"))}", 8)),
            ("overlap", file("{\"a\":\(tensor("F32", "[2]", "[0,8]")),\"b\":\(tensor("F32", "[2]", "[4,12]"))}", 12)),
            ("gap", file("{\"a\":\(tensor("F32", "[2]", "[4,12]"))}", 12)),
            ("ends at byte", file("{\"a\":\(tensor("F32", "[4000000000]", "[0,16000000000]"))}", 8)),
            ("occurs twice", file("{\"a\":\(tensor("F32", "[2]", "[0,8]")),\"a\":\(tensor("F32", "[2]", "[8,16]"))}", 16)),
            ("dtype is missing", file("{\"a\":3}", 0)),
            ("__metadata__", file("{\"__metadata__\":{\"a\":1}}", 0)),
        ]
        for (words, bytes) in bad {
            do {
                _ = try Safetensors.decode(bytes, place: "dir/w.safetensors")
                Issue.record("accepted what should be refused: \(words)")
            } catch {
                #expect(error.place == "dir/w.safetensors")
                let expected = words == "JSON" ? "no JSON value" : words
                let isNumberError = error.problem.contains("a digit is expected") || error.problem.contains("number")
                #expect(error.problem.contains(expected) || (words == "JSON" && isNumberError), "\(error)")
            }
        }
    }

    /// Random changes never crash the reader, and what it accepts has sizes that fit.
    @Test func fuzz() {
        var random = RandomKey(seed: 1, purpose: .learner).stream(slot: 0, episode: 0)
        let original = Safetensors.encode(Self.columns, metadata: Self.metadata)
        var accepted = 0
        for _ in 0..<120_000 {
            var bytes = original
            mutate(&bytes, &random)
            if let columns = try? Safetensors.decode(bytes, place: "fuzz").columns {
                accepted += 1
                #expect(columns.reduce(0) { $0 + $1.bytes.count } < bytes.count)
            }
        }
        #expect(accepted > 1000 && accepted < 100_000)
    }

    private static let python = getenv("APUS_PYTHON").map { String(cString: $0) } ?? "python3"
    private static func run(_ script: String, _ path: String) -> Bool {
        setenv("APUS_SCRIPT", script, 1)
        return system("'\(python)' -c \"$APUS_SCRIPT\" '\(path)'") == 0
    }
    private static let pythonReads = system("'\(python)' -c 'import safetensors, numpy' 2>/dev/null") == 0

    /// Both directions with the format's own Python package.
    @Test(.enabled(if: pythonReads, "the Python package safetensors is not importable by $APUS_PYTHON or python3"))
    func pythonAgrees() throws {
        let path = "/tmp/apus-\(getpid()).safetensors"
        defer { unlink(path) }
        try writeFile(path, Safetensors.encode(Self.columns, metadata: Self.metadata))
        #expect(
            Self.run(
                """
                import sys, numpy as np
                from safetensors import safe_open
                with safe_open(sys.argv[1], "numpy") as f:
                    assert f.metadata() == {"format": "pt", "run": 'a "name"\\n'}, f.metadata()
                    assert set(f.keys()) == {"done", "policy.weight", "steps", 'empty "é"'}, f.keys()
                    np.testing.assert_array_equal(f.get_tensor("done"), np.array([1, 0, 255], np.uint8))
                    w = f.get_tensor("policy.weight")
                    assert w.dtype == np.float32
                    np.testing.assert_array_equal(w, np.array([[0, -1.5, np.inf], [2.0**-129, 3, 0.1]], np.float32))
                    assert f.get_tensor("steps") == -2**31 and f.get_tensor("steps").dtype == np.int32
                    assert f.get_tensor('empty "é"').shape == (0, 4)
                """, path))
        #expect(
            Self.run(
                """
                import sys, numpy as np
                from safetensors.numpy import save_file
                save_file({"done": np.array([1, 0, 255], np.uint8), "steps": np.array(-2**31, np.int32),
                    'empty "é"': np.zeros((0, 4), np.float32),
                    "policy.weight": np.array([[0, -1.5, np.inf], [2.0**-129, 3, 0.1]], np.float32)},
                    sys.argv[1], {"format": "pt", "run": 'a "name"\\n'})
                """, path))
        let (columns, metadata) = try Safetensors.decode(try #require(readFile(path)), place: path)
        same(columns, metadata)
    }
}
