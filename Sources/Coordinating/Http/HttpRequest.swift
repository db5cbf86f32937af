/// The head of a request, as far as it is of interest: GET or HEAD of a path. A pure function of the bytes so far.
package struct HttpRequest: Equatable {
    package enum Parse: Equatable {
        /// More bytes are needed.
        case incomplete
        case request(HttpRequest)
        /// Status and reason of the answer.
        case refused(Int, String)
    }

    package var path: String
    /// The answer has a head only.
    package var headOnly: Bool

    package init(path: String, headOnly: Bool) { (self.path, self.headOnly) = (path, headOnly) }

    /// A head of more bytes is refused.
    package static let limit = 4096

    package static func parse(_ bytes: [UInt8]) -> Parse {
        guard let line = bytes.firstIndex(of: UInt8(ascii: "\n")), isComplete(bytes) else {
            return bytes.count > limit ? .refused(431, "Request Header Fields Too Large") : .incomplete
        }
        var text = bytes[..<line]
        if text.last == UInt8(ascii: "\r") { text.removeLast() }
        let words = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard words.count == 3, words[2].starts(with: Array("HTTP/1.".utf8)), words[1].first == UInt8(ascii: "/"),
            words[1].allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return .refused(400, "Bad Request") }
        let method = String(decoding: words[0], as: UTF8.self)
        guard method == "GET" || method == "HEAD" else { return .refused(405, "Method Not Allowed") }
        // What is asked of a path makes no difference here.
        let path = words[1].prefix { $0 != UInt8(ascii: "?") }
        return .request(HttpRequest(path: String(decoding: path, as: UTF8.self), headOnly: method == "HEAD"))
    }

    /// Whether the empty line has come that ends a head.
    private static func isComplete(_ bytes: [UInt8]) -> Bool {
        var afterLine = false
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if afterLine { return true }
                afterLine = true
            } else if byte != UInt8(ascii: "\r") {
                afterLine = false
            }
        }
        return false
    }
}

/// An answer; the connection ends with it.
package struct HttpResponse: Equatable {
    package var status: Int
    package var reason: String
    package var type: String
    package var body: String

    package init(status: Int = 200, reason: String = "OK", type: String = "text/plain; charset=utf-8", body: String) {
        (self.status, self.reason, self.type, self.body) = (status, reason, type, body)
    }

    package func bytes(headOnly: Bool = false) -> [UInt8] {
        let body = Array(self.body.utf8)
        let allow = status == 405 ? "Allow: GET, HEAD\r\n" : ""
        let head =
            "HTTP/1.1 \(status) \(reason)\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n\(allow)Cache-Control: no-store\r\n"
            + "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        return Array(head.utf8) + (headOnly ? [] : body)
    }
}
