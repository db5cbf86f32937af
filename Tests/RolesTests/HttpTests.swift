import Coordinating
import Testing
import Wire

@Suite struct HttpTests {
    private func parse(_ text: String) -> HttpRequest.Parse { HttpRequest.parse(Array(text.utf8)) }

    @Test func requests() {
        let request = HttpRequest.Parse.request(HttpRequest(path: "/metrics", headOnly: false))
        #expect(parse("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") == request)
        #expect(parse("GET /metrics HTTP/1.0\n\n") == request, "line ends of a person with netcat")
        #expect(parse("GET /metrics?x=1 HTTP/1.1\r\n\r\nmore") == request)
        #expect(parse("HEAD / HTTP/1.1\r\n\r\n") == .request(HttpRequest(path: "/", headOnly: true)))
        // However it comes, piece by piece.
        let whole = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        for length in 0..<whole.utf8.count { #expect(parse(String(whole.prefix(length))) == .incomplete || length >= whole.count - 0) }
    }

    @Test(arguments: [
        ("POST / HTTP/1.1\r\n\r\n", 405), ("GET metrics HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/2.0\r\n\r\n", 400), ("GET /\r\n\r\n", 400),
        ("GET / x HTTP/1.1\r\n\r\n", 400), ("\r\n\r\n", 400), ("GET /\u{1}a HTTP/1.1\r\n\r\n", 400), ("\u{16}\u{3}\u{1}\n\n", 400),
        ("GET /\(String(repeating: "a", count: 5000))", 431),
    ])
    func refusals(_ text: String, _ status: Int) {
        guard case .refused(let given, _) = parse(text) else { return #expect(Bool(false), "\(parse(text))") }
        #expect(given == status)
    }

    @Test func answers() {
        let text = String(decoding: HttpResponse(body: "héllo").bytes(), as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n") && text.contains("Content-Length: 6\r\n") && text.hasSuffix("\r\n\r\nhéllo"))
        #expect(String(decoding: HttpResponse(body: "x").bytes(headOnly: true), as: UTF8.self).hasSuffix("Connection: close\r\n\r\n"))
    }

    @Test(arguments: ["", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:x"])
    func addressesThatAreNone(_ text: String) { #expect(throws: HttpError.self) { try HttpAddress(text) } }

    @Test func onlyLoopbackWithoutConsent() throws {
        for address in ["127.0.0.1:0", "localhost:0", "127.8.9.1:80"] { try HttpAddress(address).check(open: false) }
        #expect(throws: HttpError.self) { try HttpAddress("0.0.0.0:7780").check(open: false) }
        #expect(throws: HttpError.self) { try HttpAddress("[::]:7780").check(open: false) }
        try HttpAddress("0.0.0.0:7780").check(open: true)
    }

    /// What a member says of itself cannot break the page: each line is a comment or a sample, and each sample stands once.
    @Test func expositionOfHostileNames() {
        let gauges = [Gauge("busy_share", .nan), Gauge("wait_share/a\"b\\c\nd", 0.5), Gauge("wait_share/a\"b\\c\nd", 0.6), Gauge("frames", .infinity)]
        let waits = [Wait(resource: "r", holder: "h\n# TYPE evil counter\n", seconds: 1, thread: "t"), Wait(resource: "r", holder: "x", seconds: 2, thread: "t")]
        let member = MemberStatus(
            role: .actor, place: MemberPlace(rank: 0, incarnation: 1), host: "a}\" 1\nevil 7", pid: 1, silentSeconds: 0.5, gauges: gauges, waits: waits)
        let record = Record(sequence: 1, time: 1, version: 2, frames: 3, scalars: [Gauge("loss", -.infinity), Gauge("policy_lag_mean", 1.5)])
        let status = Status(
            run: 1, runName: "run \"x\"", runDirectory: "", ageSeconds: 2, members: [member], lastRecord: record, refused: 4)
        let diagnosis = Diagnosis(Evidence(address: "a", status: status, patience: 1))
        let text = Exposition(status, why: diagnosis.answer).text
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            #expect(line.hasPrefix("# HELP apus_") || line.hasPrefix("# TYPE apus_") || line.hasPrefix("apus_"), "\(line)")
        }
        let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0[..<$0.lastIndex(of: " ")!] }
        #expect(Set(samples).count == samples.count)
        #expect(text.contains(#"apus_member_busy_ratio{role="actor",rank="0",incarnation="1",host="a}\" 1\nevil 7"} NaN"#))
        #expect(text.contains(#"resource="a\"b\\c\nd"} 0.5"#) && text.contains("apus_record{quantity=\"loss\"} -Inf"))
        #expect(text.contains("apus_coordinator_refused_total 4\n") && text.contains("apus_trained_frames_total 3\n"))
        #expect(text.contains("} +Inf\n") && text.hasSuffix("\n"))
    }
}
