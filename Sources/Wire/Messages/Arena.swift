import CProtobufC
import CWire
import Platform

/// Memory for one outgoing message: protobuf-c wants pointers to strings, arrays and sub-messages that live until the message is packed.
package struct Arena: ~Copyable {
    private var blocks: [UnsafeMutableRawPointer] = []

    package init() {}

    deinit { for block in blocks { block.deallocate() } }

    package mutating func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        // protobuf-c's strings end at the first NUL.
        let bytes = text.utf8.prefix { $0 != 0 }
        let memory = allocate(CChar.self, count: bytes.count + 1)
        var index = 0
        for byte in bytes {
            memory[index] = CChar(bitPattern: byte)
            index += 1
        }
        memory[index] = 0
        return memory
    }

    package mutating func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
        let memory = allocate(Element.self, count: max(elements.count, 1))
        memory.initialize(from: elements, count: elements.count)
        return memory
    }

    /// One message, in memory of its own.
    package mutating func message<Message>(_ message: Message) -> UnsafeMutablePointer<Message> {
        let memory = allocate(Message.self, count: 1)
        memory.initialize(to: message)
        return memory
    }

    package mutating func messages<Element, Message>(
        _ elements: [Element], _ make: (Element, inout Arena) -> Message
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Message>?> {
        let memory = allocate(UnsafeMutablePointer<Message>?.self, count: max(elements.count, 1))
        for (index, element) in elements.enumerated() {
            let one = make(element, &self)
            (memory + index).initialize(to: message(one))
        }
        return memory
    }

    private mutating func allocate<T>(_ type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<T>.stride * count, alignment: MemoryLayout<T>.alignment)
        blocks.append(memory)
        return memory.bindMemory(to: T.self, capacity: count)
    }
}

/// The bytes of a protobuf-c message whose memory lies in an arena.
package func pack<Message>(_ message: UnsafeMutablePointer<Message>) -> [UInt8] {
    message.withMemoryRebound(to: ProtobufCMessage.self, capacity: 1) { base in
        [UInt8](unsafeUninitializedCapacity: protobuf_c_message_get_packed_size(base)) { buffer, count in
            count = buffer.baseAddress.map { protobuf_c_message_pack(base, $0) } ?? 0
        }
    }
}

/// Unpacks `bytes`, hands the message to `body` and frees it. Whatever `body` keeps must be a copy.
package func unpack<Message, Result>(
    _ bytes: SharedBytes, _ name: String, limit: Int = WireProtocol.maximumMessageBytes,
    _ unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) -> UnsafeMutablePointer<Message>?,
    _ body: (Message) throws(WireError) -> Result
) throws(WireError) -> Result {
    guard bytes.count <= limit else { throw .oversize(message: name, bytes: bytes.count, limit: limit) }
    let message = bytes.withBytes { unpack(nil, $0.count, $0.assumingMemoryBound(to: UInt8.self).baseAddress) }
    guard let message else { throw .notProtobuf(message: name, bytes: bytes.count) }
    defer {
        message.withMemoryRebound(to: ProtobufCMessage.self, capacity: 1) { protobuf_c_message_free_unpacked($0, nil) }
    }
    return try body(message.pointee)
}

/// A string field as Swift's; bytes that are not UTF-8 are replaced, and the length is bounded. So are the control characters of terminals: much of this
/// is shown to people.
package func text(_ pointer: UnsafePointer<CChar>?, limit: Int = 4096) -> String {
    guard let pointer else { return "" }
    var whole = String(cString: pointer)
    if whole.utf8.contains(where: { $0 < 0x20 && $0 != 0x0A && $0 != 0x09 || $0 == 0x7F }) {
        whole = String(whole.map { character in character.isNewline || character == "\t" || !character.isControl ? character : "\u{FFFD}" })
    }
    return whole.utf8.count <= limit ? whole : String(decoding: whole.utf8.prefix(limit), as: UTF8.self)
}

extension Character {
    fileprivate var isControl: Bool { unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } }
}

/// The elements of a repeated message field.
package func elements<Message>(_ count: Int, _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?) -> [Message] {
    (0..<count).compactMap { pointers?[$0]?.pointee }
}
