import Foundation
import Platform
import Runs
import Testing

@Suite struct TensorBoardTests {
    private let record = MetricsRecord(time: 1_700_000_001.5, version: 7, frames: 640, scalars: [("return/mean", 21.5), ("loss", .nan)])

    /// The first record, by hand: wall time (field 1, double), file version (field 3, 13 bytes), in TFRecord framing.
    @Test func firstRecordIsTheFileVersion() throws {
        try inScratch { folder in
            let writer = try TensorBoardWriter(directory: folder, now: 2)
            let name = try #require(try Files.list(folder).first)
            #expect(name.wholeMatch(of: /events\.out\.tfevents\.2\..+\.\d+/) != nil)
            let event: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x1A, 13] + [UInt8]("brain.Event:2".utf8)
            let length = [UInt8(event.count), 0, 0, 0, 0, 0, 0, 0]
            func masked(_ bytes: [UInt8]) -> [UInt8] {
                let sum = CRC32C.of(bytes)
                return withUnsafeBytes(of: (((sum >> 15) | (sum << 17)) &+ 0xA282_EAD8).littleEndian, Array.init)
            }
            #expect(try Files.read(writer.path) == length + masked(length) + event + masked(event))
            #expect(try TensorBoardWriter(directory: folder, now: 2).path == writer.path + ".1")
        }
    }

    private static let python = ProcessInfo.processInfo.environment["APUS_PYTHON"] ?? "python3"
    private static let hasTensorBoard = (try? output(["-c", "import tensorboard"])) != nil

    /// Read back by TensorBoard's own loader, checksums included.
    @Test(.enabled(if: hasTensorBoard, "no Python with the package tensorboard: set APUS_PYTHON to one"))
    func tensorBoardReadsIt() throws {
        try inScratch { folder in
            let writer = try TensorBoardWriter(directory: folder, now: 1_700_000_000)
            try writer.append(record)
            try writer.append(MetricsRecord(time: 1_700_000_002, version: 8, frames: 1 << 40, scalars: [("return/mean", -3)]))
            let program = """
                import sys
                from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
                for event in LegacyEventFileLoader(sys.argv[1]).Load():
                    values = [(value.tag, value.simple_value) for value in event.summary.value]
                    print(event.wall_time, event.step, event.file_version, values)
                from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
                run = EventAccumulator(sys.argv[2])
                run.Reload()
                print(sorted(run.Tags()["scalars"]), [(point.step, point.value) for point in run.Scalars("return/mean")])
                """
            #expect(
                try Self.output(["-c", program, writer.path, folder]) == """
                    1700000000.0 0 brain.Event:2 []
                    1700000001.5 640  [('version', 7.0), ('return/mean', 21.5), ('loss', nan)]
                    1700000002.0 1099511627776  [('version', 8.0), ('return/mean', -3.0)]
                    ['loss', 'return/mean', 'version'] [(640, 21.5), (1099511627776, -3.0)]

                    """)
        }
    }

    /// What Python prints; throws when it fails.
    private static func output(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
        return String(decoding: data, as: UTF8.self)
    }
}
