import Platform
import Runs
import Testing

@Suite struct MetricsTests {
    private let record = MetricsRecord(
        time: 1_700_000_000.25, version: 1 << 60, frames: 640,
        scalars: [
            ("return/mean", -0.1), ("loss", 1e-300), ("whole", 3), ("odd \"name\"\n\u{1}é", .nan), ("up", .infinity), ("down", -.infinity),
            ("zero", -0.0),
        ])

    @Test func lineIsJSONInStableOrder() {
        #expect(
            record.line == """
                {"time":1700000000.25,"version":1152921504606846976,"frames":640,"return/mean":-0.1,"loss":1e-300,"whole":3,\
                "odd \\"name\\"\\u000a\\u0001é":"NaN","up":"Infinity","down":"-Infinity","zero":-0.0}
                """)
    }

    @Test func lineReadsBack() throws {
        let read = try #require(MetricsRecord(line: [UInt8](record.line.utf8)))
        #expect(read == record)
        #expect(read.scalars.map(\.name) == record.scalars.map(\.name))
        #expect(read.value("loss") == 1e-300)
        #expect(read.value("up") == .infinity)
        #expect(read.value("zero")?.sign == .minus)
        #expect(read.value("frames") == 640)
        #expect(read.value("none") == nil)
        #expect(
            MetricsRecord(line: [UInt8](" { \"frames\" : 1 , \"version\":2, \"time\": 3 } ".utf8))
                == MetricsRecord(time: 3, version: 2, frames: 1))
    }

    @Test(arguments: [
        "", "{}", "null", "{\"time\":1,\"version\":2}", "{\"time\":1,\"version\":-2,\"frames\":3}",
        "{\"time\":1,\"version\":2,\"frames\":3",
        "{\"time\":1,\"version\":2,\"frames\":3}x", "{\"time\":1,\"version\":2,\"frames\":3,}",
        "{\"time\":1,\"version\":2,\"frames\":3,\"a\":[1]}",
        "{\"time\":1,\"version\":2,\"frames\":3,\"a\":\"text\"}", "{\"time\":1,\"version\":2,\"frames\":3,\"a\":nan}",
    ])
    func otherLinesAreNoRecords(line: String) { #expect(MetricsRecord(line: [UInt8](line.utf8)) == nil) }

    @Test func tornLineIsPassedOverAndCut() throws {
        try inScratch { folder in
            let path = "\(folder)/metrics.jsonl"
            let records = (1 ... 3).map {
                MetricsRecord(time: Double($0), version: UInt64($0), frames: 10 * UInt64($0), scalars: [("a", Double($0))])
            }
            try MetricsWriter(path).append(records[0])
            try MetricsWriter(path).append(records[1])
            try AppendFile(path).append([UInt8](records[2].line.utf8.dropLast(3)))
            #expect(try MetricsTable(path).records == Array(records[..<2]))
            let writer = try MetricsWriter(path)
            try writer.append(records[2])
            #expect(try MetricsTable(path).records == records)
            try AppendFile(path).append([UInt8]("{\"time\":true}\n".utf8))
            #expect(throws: MetricsError(path: path, line: 4)) { try MetricsTable(path) }
        }
    }

    @Test func columns() throws {
        try inScratch { folder in
            let path = "\(folder)/metrics.jsonl"
            let writer = try MetricsWriter(path)
            #expect(try MetricsTable(path).records.isEmpty)
            try writer.append(MetricsRecord(time: 1, version: 1, frames: 10, scalars: [("b", 5)]))
            try writer.append(MetricsRecord(time: 2, version: 2, frames: 20, scalars: [("a", 6), ("b", 7)]))
            let table = try MetricsTable(path)
            #expect(table.names == ["time", "version", "frames", "b", "a"])
            #expect(table.points("b").map { [$0.x, $0.y] } == [[10, 5], [20, 7]])
            #expect(table.points("a", over: "time").map { [$0.x, $0.y] } == [[2, 6]])
            #expect(table.points("none").isEmpty)
        }
    }

    @Test func aWarmupIsReadAsItWasTold() throws {
        func read(_ progress: WarmupProgress, without: String? = nil) -> WarmupProgress? {
            WarmupProgress { name in progress.metrics.first { $0.name == name && name != without }?.value }
        }
        let progress = WarmupProgress(updates: 120, limit: 2000, loss: 0.412, accuracy: 0.123, target: 0.3)
        let first = WarmupProgress(updates: 0, limit: 2000, loss: nil, accuracy: 0, target: 0.3)
        #expect(read(progress) == progress && read(first) == first)
        #expect(progress.text == "warm-up: 120 of at most 2000 updates, loss 0.41, correct 12 % of 30 %")
        #expect(first.text == "warm-up: 0 of at most 2000 updates, correct 0 % of 30 %")
        for name in progress.metrics.map(\.name) where name != "warmup/loss" { #expect(read(progress, without: name) == nil, "\(name)") }
        #expect(WarmupProgress { $0 == "warmup/updates" ? .nan : 1 } == nil)
    }
}
