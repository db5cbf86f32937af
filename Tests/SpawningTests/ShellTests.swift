import Glibc
import Platform
import Spawning
import Testing

/// Names with everything in them that a shell could stumble over.
@Suite struct ShellTests {
    static let names = ["plain", "", "two words", "it's", "$HOME `id` \\ \"q\"", "*?[a]", "-n", "~", "#x", "a;b|c&d", "ü → 鳥", "'", "''"]

    @Test func quotedWordsArriveAsTheyAre() throws {
        let output = try sh("for word in \(Shell.line(Self.names)); do printf '%s\\0' \"$word\"; done")
        #expect(output.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init) == Self.names)
    }

    /// The scripts for hosts are programs of sh, whatever the names in them.
    @Test(arguments: names.filter { !$0.isEmpty })
    func scriptsAreWellFormed(_ name: String) throws {
        var plan = HostPlan(host: "a")
        plan.folder = "/tmp/\(name)"
        let script = HostSessionTests.script
        for text in [script.begin(plan, incoming: "/tmp/\(name)/x", from: 7, detached: true), script.stop(plan)] {
            let problems = try sh("sh -n <<'APUS_TEST' 2>&1\n\(text)APUS_TEST")
            #expect(problems == "")
        }
        // Nothing runs in that folder.
        let answer = try sh("{\n\(script.stop(plan))} 2>&1")
        #expect(answer == "@apus stopped nothing\n")
    }

    private func sh(_ script: String) throws -> String {
        let file = "/tmp/apus-shell-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { try? Files.remove(file) }
        try Files.write(Array(script.utf8), to: file, flush: false)
        let process = try #require(popen("sh \(file)", "r"))
        var output: [UInt8] = []
        while case let byte = fgetc(process), byte >= 0 { output.append(UInt8(byte)) }
        pclose(process)
        return String(decoding: output, as: UTF8.self)
    }
}
