import Glibc
import Methods
import Platform
import Networks
import Testing

/// Every case of the golden files whose name is known, computed by rlax and PyTorch.
@Suite struct ReferencesTests {
    func cases(_ name: String) throws -> [JSON] {
        let path = #filePath.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/Fixtures/\(name).json"
        let file = try #require(fopen(path, "r"), "\(path)")
        defer { fclose(file) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let read = fread(&buffer, 1, buffer.count, file), read > 0 { text += buffer[..<read] }
        return try #require(JSON.parse(text, place: path)["cases"]?.array)
    }

    @Test(arguments: ["estimators", "networks"])
    func goldens(_ file: String) throws {
        var seen: [String: Int] = [:]
        for reference in try cases(file) {
            guard let deviation = try References.deviation(of: reference) else { continue }
            let name = reference["name"]!.string!
            seen[name, default: 0] += 1
            #expect(deviation <= 1e-5, "\(name): \(deviation)")
        }
        let expected: [String: Int] =
            file == "estimators"
            ? ["vtrace": 12, "leaky_vtrace": 6, "gae": 6, "lambda_returns": 6, "policy_gradient": 6, "entropy_loss": 6]
            : [
                "linear": 1, "relu": 1, "tanh": 1, "sigmoid": 1, "log_softmax": 1, "optimizer_adam": 1, "optimizer_rmsprop": 1,
                "clip_by_global_norm": 1, "gelu": 1, "silu": 1, "layer_norm": 1, "rms_norm": 1, "conv2d": 3, "max_pool2d": 1, "lstm": 1,
                "gru": 1, "gaussian_log_prob": 1, "tanh_gaussian_log_prob_of_pre_tanh_u": 1,
            ]
        #expect(seen == expected)
        #expect(Set(seen.keys).isSubset(of: References.names))
    }

    /// Changes one number somewhere below `keys`.
    func altered(_ value: JSON, _ keys: ArraySlice<String>, by change: (JSON) -> JSON) -> JSON {
        guard let key = keys.first, case .object(let members) = value else { return change(value) }
        return .object(members.map { $0.name == key ? JSON.Member(key, altered($0.value, keys.dropFirst(), by: change)) : $0 })
    }

    @Test func aDeviationIsSeen() throws {
        let plus: (JSON) -> JSON = { value in
            func add(_ value: JSON) -> JSON {
                if let number = value.number { return .number(number + 0.01) }
                if let list = value.array { return .array([add(list[0])] + list.dropFirst()) }
                return value
            }
            return add(value)
        }
        let estimators = try cases("estimators")
        let networks = try cases("networks")
        func first(_ name: String) -> JSON { (estimators + networks).first { $0["name"]?.string == name }! }
        for (name, path) in [
            ("vtrace", ["outputs", "errors"]), ("vtrace", ["outputs", "policy_gradient_advantages"]), ("vtrace", ["outputs", "q_estimate"]),
            ("leaky_vtrace", ["outputs", "errors"]), ("gae", ["inputs", "rewards"]), ("lambda_returns", ["inputs", "lambda"]),
            ("policy_gradient", ["outputs", "loss"]), ("policy_gradient", ["outputs", "grad_logits"]),
            ("entropy_loss", ["outputs", "loss"]),
            ("linear", ["gradients", "weight", "data"]), ("tanh", ["output", "data"]), ("optimizer_adam", ["start", "data"]),
            ("clip_by_global_norm", ["norm"]), ("clip_by_global_norm", ["max_norm"]), ("gelu", ["inputs", "x", "data"]),
            ("silu", ["gradients", "x", "data"]), ("layer_norm", ["attributes", "epsilon"]), ("rms_norm", ["gradients", "weight", "data"]),
            ("conv2d", ["output", "data"]), ("conv2d", ["gradients", "x", "data"]), ("conv2d", ["gradients", "weight", "data"]),
            ("max_pool2d", ["gradients", "x", "data"]), ("lstm", ["gradients", "c", "data"]), ("lstm", ["inputs", "b_ih", "data"]),
            ("gru", ["gradients", "w_hh", "data"]), ("gaussian_log_prob", ["gradients", "log_std", "data"]),
            ("tanh_gaussian_log_prob_of_pre_tanh_u", ["inputs", "u", "data"]),
        ] {
            let deviation = try #require(try References.deviation(of: altered(first(name), path[...], by: plus)))
            #expect(deviation > 1e-4, "\(name) \(path)")
        }
    }

    @Test func whatIsNotACaseIsAnError() throws {
        #expect(try References.deviation(of: .object([.init("name", .string("retrace_errors"))])) == nil)
        #expect(throws: ReferenceError.self) { try References.deviation(of: .null) }
        let all = try (cases("estimators") + cases("networks"))
        // Any part of a case taken away, or replaced by something else, is an error or another number, never a crash.
        var errors = 0
        for name in References.names {
            let reference = all.first { $0["name"]?.string == name }!
            func paths(_ value: JSON, _ prefix: [String]) -> [[String]] {
                (value.object ?? []).flatMap { [prefix + [$0.name]] + paths($0.value, prefix + [$0.name]) }
            }
            for path in paths(reference, []) where path != ["name"] {
                let replacements: [JSON] = [
                    .null, .array([]), .array([.integer(1)]), .number(2.5), .object([]), .array([.array([.integer(3)]), .integer(-1)]),
                ]
                for replacement in replacements {
                    do { _ = try References.deviation(of: altered(reference, path[...]) { _ in replacement }) } catch { errors += 1 }
                }
            }
        }
        #expect(errors > 300)
    }
}
