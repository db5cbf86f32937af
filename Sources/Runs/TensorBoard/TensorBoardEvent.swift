import CWire
import Glibc
import Platform

/// An event as TensorBoard's readers know it, encoded from `proto/tensorboard.proto`.
enum TensorBoardEvent {
    /// The first event of every file.
    static func fileVersion(wallTime: Double) -> [UInt8] {
        var event = Tensorboard__Event()
        tensorboard__event__init(&event)
        event.wall_time = wallTime
        let version = strdup("brain.Event:2")
        defer { free(version) }
        event.what_case = TENSORBOARD__EVENT__WHAT_FILE_VERSION
        event.file_version = version
        return packed(&event)
    }

    /// Scalars of one step.
    static func scalars(_ scalars: [(name: String, value: Double)], step: Int64, wallTime: Double) -> [UInt8] {
        let values = UnsafeMutablePointer<Tensorboard__Summary__Value>.allocate(capacity: scalars.count)
        let pointers = UnsafeMutablePointer<UnsafeMutablePointer<Tensorboard__Summary__Value>?>.allocate(capacity: scalars.count)
        defer {
            for index in scalars.indices { free(values[index].tag) }
            values.deallocate()
            pointers.deallocate()
        }
        for (index, scalar) in scalars.enumerated() {
            tensorboard__summary__value__init(values + index)
            values[index].tag = strdup(scalar.name)
            values[index].value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_SIMPLE_VALUE
            values[index].simple_value = Float(scalar.value)
            pointers[index] = values + index
        }
        var summary = Tensorboard__Summary()
        tensorboard__summary__init(&summary)
        summary.n_value = scalars.count
        summary.value = pointers
        return withUnsafeMutablePointer(to: &summary) { summary in
            var event = Tensorboard__Event()
            tensorboard__event__init(&event)
            event.wall_time = wallTime
            event.step = step
            event.what_case = TENSORBOARD__EVENT__WHAT_SUMMARY
            event.summary = summary
            return packed(&event)
        }
    }

    private static func packed(_ event: inout Tensorboard__Event) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: tensorboard__event__get_packed_size(&event)) { buffer, count in
            count = tensorboard__event__pack(&event, buffer.baseAddress)
        }
    }
}

/// TFRecord, the framing of event files: length u64, masked CRC-32C of the length u32, the bytes, their masked CRC-32C u32; little-endian.
enum TFRecord {
    static func framed(_ bytes: [UInt8]) -> [UInt8] {
        let length = withUnsafeBytes(of: UInt64(bytes.count).littleEndian, Array.init)
        return length + checksum(length) + bytes + checksum(bytes)
    }

    /// Masked since a checksum of data that holds its own checksum tells little.
    private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        let sum = CRC32C.of(bytes)
        return withUnsafeBytes(of: ((sum >> 15 | sum << 17) &+ 0xA282_EAD8).littleEndian, Array.init)
    }
}
