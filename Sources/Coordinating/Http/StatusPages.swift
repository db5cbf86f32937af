import Platform
import Runs
import Wire

/// What the coordinator's http server has: metrics for Prometheus, the status as JSON, and whether the coordinator is alive and ready.
struct StatusPages: Sendable {
    let board: StatusBoard
    let directory: RunDirectory
    let address: String

    /// Longer than this, and a coordinator that stands still is as good as dead, in seconds.
    static let alive = 10.0
    static let ready = 2.0

    func answer(_ path: String) -> HttpResponse {
        switch path {
        case "/healthz": health(Self.alive)
        case "/readyz": health(Self.ready)
        case "/status": page("application/json") { String(decoding: StatusJSON.object($0, coordinator: address).serialized(), as: UTF8.self) + "\n" }
        case "/metrics": page("text/plain; version=0.0.4; charset=utf-8") { Exposition($0, why: Diagnosis(evidence($0)).answer).text }
        case "/": HttpResponse(body: "/metrics  for Prometheus\n/status   JSON\n/healthz  alive\n/readyz   ready to take members\n")
        default: HttpResponse(status: 404, reason: "Not Found", body: "There are /metrics, /status, /healthz and /readyz.\n")
        }
    }

    private func health(_ limit: Double) -> HttpResponse {
        let standstill = board.standstill(now: .now)
        return standstill < limit
            ? HttpResponse(body: "ok\n")
            : HttpResponse(
                status: 503, reason: "Service Unavailable", body: "the coordinator has stood still for \(Format.seconds(standstill))\n")
    }

    private func page(_ type: String, _ make: (Status) -> String) -> HttpResponse {
        guard let status = board.status(within: 1) else {
            return HttpResponse(status: 503, reason: "Service Unavailable", body: "the coordinator does not answer\n")
        }
        return HttpResponse(type: type, body: make(status))
    }

    /// Without the ledger, which grows with the run: this is asked for every few seconds.
    private func evidence(_ status: Status) -> Evidence {
        Evidence.gather(address: address, status: status, patience: 0, directory: nil)
    }
}
