import Platform

/// What became of runs under faults.
struct ChaosVerdict {
    let seed: UInt64
    let inflicted: [FaultInjector.Inflicted]
    let proofs: [RunProof]
    let comparison: CurveComparison
    let problems: [String]

    var isSurvived: Bool { problems.isEmpty && comparison.holds }

    /// By kind and member, how long training took to go on, in seconds: only where nothing else happened meanwhile.
    private var recoveries: [(name: String, seconds: [Double])] {
        var byName: [String: [Double]] = [:]
        for one in inflicted {
            guard let seconds = one.recovery else { continue }
            let role = String(one.fault.member.prefix { $0 != "-" })
            byName["\(one.fault.name) of the \(role)", default: []].append(seconds)
        }
        return byName.map { ($0.key, $0.value.sorted()) }.sorted { $0.name < $1.name }
    }

    private var replayed: String { !proofs.isEmpty && proofs.allSatisfy(\.replay.isEqual) ? ", every run was made again bit for bit" : "" }

    var text: String {
        var lines = recoveries.map { name, seconds in
            "first update after \(name): \(Format.decimal(seconds[seconds.count / 2], 2)) s (median of \(seconds.count)), at most \(Format.decimal(seconds.last!, 2)) s"
        }
        lines += comparison.parts.map { part in
            "return \(part.name): \(Format.decimal(part.disturbed, 1)), undisturbed \(Format.decimal(part.undisturbed.lowerBound, 1)) to "
                + "\(Format.decimal(part.undisturbed.upperBound, 1)); at least \(Format.decimal(part.floor, 1)) is asked for"
        }
        lines += problems.map { "NOT survived: \($0)" }
        if !comparison.holds { lines.append(comparison.parts.isEmpty ? "NOT survived: no return was measured" : "NOT survived: the return is too low") }
        let runs = proofs.count == 1 ? "1 run" : "\(proofs.count) runs"
        lines.append(
            isSurvived
                ? "survived \(inflicted.count) faults in \(runs) (seed \(seed)): nothing trained twice, nothing lost that lived, the return is that of undisturbed runs\(replayed)"
                : "NOT survived: \(inflicted.count) faults in \(runs) (seed \(seed))")
        return lines.joined(separator: "\n")
    }

    var json: JSON {
        .object([
            .init("survived", .bool(isSurvived)), .init("seed", .integer(Int(clamping: seed))),
            .init(
                "faults",
                .array(
                    inflicted.map {
                        .object([
                            .init("fault", .string($0.fault.description)), .init("member", .string($0.fault.member)), .init("kind", .string($0.fault.name)),
                            .init("seconds", .number($0.fault.seconds)), .init("recovery_seconds", $0.recovery.map(JSON.number) ?? .null),
                        ])
                    })), .init("runs", .array(proofs.map(\.json))),
            .init(
                "returns",
                .array(
                    comparison.parts.map {
                        .object([
                            .init("part", .string($0.name)), .init("disturbed", .number($0.disturbed)),
                            .init("undisturbed_low", .number($0.undisturbed.lowerBound)), .init("undisturbed_high", .number($0.undisturbed.upperBound)),
                            .init("floor", .number($0.floor)),
                        ])
                    })), .init("problems", .array(problems.map(JSON.string))),
        ])
    }
}
