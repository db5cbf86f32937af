import Glibc
import Platform
import Testing

extension Cluster {
    /// The coordinator's http server.
    @Suite struct MetricsTests {
        /// Asks as `curl` does; status and body.
        private func get(_ path: String, at address: String, method: String = "GET") throws -> (status: Int, body: String) {
            let connection = try Loopback.open("tcp://\(address)")
            defer { close(connection) }
            let request = Array("\(method) \(path) HTTP/1.1\r\nHost: \(address)\r\n\r\n".utf8)
            _ = send(connection, request, request.count, Int32(MSG_NOSIGNAL))
            var (answer, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
            while true {
                let count = recv(connection, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                answer += buffer[..<count]
            }
            let text = String(decoding: answer, as: UTF8.self)
            guard let status = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }), let end = text.firstRange(of: "\r\n\r\n") else {
                throw Trouble("no answer to \(path): \(text)")
            }
            return (status, String(text[end.upperBound...]))
        }

        @Test func pagesAndSlowReaders() throws {
            try scene { scene in
                let training = try scene.train(endless(frames: 1_000_000_000) + ["--http", "127.0.0.1:0"])
                try training.directory.expectProgress(50_000)
                let address = String(decoding: try Files.read(training.directory.http), as: UTF8.self).filter { $0 != "\n" }
                for path in ["/healthz", "/readyz"] { #expect(try get(path, at: address) == (200, "ok\n")) }
                #expect(try get("/nothing", at: address).status == 404)
                #expect(try get("/metrics", at: address, method: "DELETE").status == 405)
                #expect(try get("/metrics", at: address, method: "HEAD") == (200, ""))
                let status = try JSON.parse(Array(get("/status", at: address).body.utf8), place: "/status")
                #expect(status["members"]?.array?.count == 2 && status["run_name"]?.string == "run")

                var page = ""
                try eventually("learner and actor tell of themselves", within: 20) {
                    page = try get("/metrics", at: address).body
                    return page.contains("apus_ledger_rollouts_total{end=\"trained\"}") && page.contains("apus_actor_frames_total{")
                }
                for line in [
                    "# TYPE apus_actor_frames_total counter", "# TYPE apus_policy_lag_updates gauge", "apus_members{role=\"learner\"} 1",
                    "apus_coordinator_refused_total 0",
                ] { #expect(page.contains("\(line)\n"), "\(line)") }
                try parse(page, in: scene)

                // Hundreds of connections that never finish what they ask: everybody else is answered, and training goes on.
                var slow: [Int32] = []
                defer { for descriptor in slow { close(descriptor) } }
                for _ in 0..<300 {
                    let descriptor = try Loopback.open("tcp://\(address)")
                    _ = send(descriptor, "GET /met", 8, Int32(MSG_NOSIGNAL))
                    slow.append(descriptor)
                }
                #expect(try get("/healthz", at: address).status == 200)
                let coordinator = try #require(training.process(of: .coordinator))
                #expect(try Files.list("/proc/\(coordinator)/fd").count < 100)
                try training.directory.expectProgress(100_000)

                // A coordinator that stands still is not ready.
                training.apus.signal(SIGINT)
                try expectDone([training.apus])
                #expect(!Files.exists(training.directory.http))
            }
        }

        @Test func otherHostsNeedConsent() throws {
            try scene { scene in
                let refused = try scene.finish(
                    .coordinator, ["--run", "cartpole", "--runs", scene.runs, "--bind", "tcp://127.0.0.1:*", "--http", "0.0.0.0:0"])
                #expect(refused.exit == .code(1) && refused.errors.contains("--http-open"), "\(refused.errors)")
                let open = try scene.start(
                    .coordinator, ["--run", "cartpole", "--runs", scene.runs, "--bind", "tcp://127.0.0.1:*", "--http", "0.0.0.0:0", "--http-open"])
                try eventually("it listens", within: 20) { open.errors.contains("metrics at http://0.0.0.0:") }
                open.signal(SIGTERM)
                try expectDone([open])
            }
        }

        /// Read by the library that Python programs read metrics with.
        private func parse(_ page: String, in scene: Scene) throws {
            let path = "\(scene.folder)/metrics.txt"
            try Files.write(Array(page.utf8), to: path)
            let program = """
                from prometheus_client.parser import text_string_to_metric_families as read
                families = list(read(open('\(path)').read()))
                assert len(families) > 20, len(families)
                assert all(f.documentation and f.type in ('gauge', 'counter') for f in families)
                samples = [(s.name, tuple(sorted(s.labels.items()))) for f in families for s in f.samples]
                assert len(samples) == len(set(samples))
                """
            try Files.write(Array(program.utf8), to: "\(scene.folder)/read.py")
            let python = getenv("APUS_PYTHON").map { String(cString: $0) } ?? "python3"
            guard system("'\(python)' -c 'import prometheus_client' 2>/dev/null") == 0 else {
                return print("skipped: \(python) has no prometheus_client to read the metrics with")
            }
            #expect(system("'\(python)' '\(scene.folder)/read.py'") == 0)
        }
    }
}
