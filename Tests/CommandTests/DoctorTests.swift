import Glibc
import Platform
import Testing

@Suite struct DoctorTests {
    @Test func thisMachineIsHealthy() throws {
        try inScratch { folder in
            let report = try Program.apus(["doctor", "--json"], in: folder).json()
            let findings = try #require(report["findings"]?.array)
            #expect(report["healthy"]?.bool == true)
            for name in ["Apus", "libzmq", "protobuf-c", "OpenBLAS", "processor", "unix sockets", "tcp loopback", "programs", "runs"] {
                #expect(findings.contains { $0["name"]?.string == name && $0["state"]?.string != "broken" }, "\(name)")
            }
            #expect(findings.allSatisfy { ($0["state"]?.string == "fine") == ($0["remedy"] == .null) }, "what is not fine has a remedy")
            #expect(try Files.list(folder).allSatisfy { $0.hasPrefix(".program") }, "nothing is left behind")
        }
    }

    @Test func whatIsBrokenFails() throws {
        try inScratch { folder in
            let result = try Program.apus(["doctor", "--json", "--runs", "/proc/runs"], in: folder)
            #expect(result.code == 1)
            let runs = try result.json()["findings"]?.array?.first { $0["name"]?.string == "runs" }
            #expect(runs?["state"]?.string == "broken" && runs?["remedy"]?.string?.isEmpty == false)

            // A program without its neighbours.
            // Copied by a process of its own: a descriptor of ours that writes would be inherited by what other tests start, and keep the file busy.
            #expect(try Program("/bin/cp", ["\(Program.folder)/apus", "\(folder)/apus"], in: folder).result().code == 0)
            let alone = try Program("\(folder)/apus", ["doctor", "--json"], in: folder).result()
            let programs = try alone.json()["findings"]?.array?.first { $0["name"]?.string == "programs" }
            #expect(alone.code == 1 && programs?["state"]?.string == "broken" && programs?["remedy"]?.string == "make build")
        }
    }

    // MARK: References

    @Test func referencesPass() throws {
        try inScratch { folder in
            let result = try Program.apus(["doctor", "--json", "--reference", fixture("references.json")], in: folder)
            let report = try result.json()
            #expect(result.code == 0 && report["passed"]?.bool == true)
            #expect(report["known"]?.integer == 8 && report["unknown"]?.integer == 2 && report["failed"]?.integer == 0)
            let largest = try #require(report["largest_deviation"]?.number)
            #expect(largest > 0 && largest < 1e-5)
            let text = try Program.apus(["doctor", "--reference", fixture("references.json")], in: folder)
            #expect(text.code == 0 && text.output.contains("all passed; 2 of unknown names") && text.output.contains("retrace_errors"))
        }
    }

    /// One number of one case, wrong by 0.1 %.
    @Test func aWrongNumberFails() throws {
        try inScratch { folder in
            let text = String(decoding: try Files.read(fixture("references.json")), as: UTF8.self)
            let match = try #require(text.firstMatch(of: /"advantages": \[(-?[0-9]+\.[0-9]+)/))
            let wrong = text.replacingCharacters(in: match.1, by: "\(Double(match.1)! + 1e-3)")
            try Files.write(Array(wrong.utf8), to: "\(folder)/wrong.json")
            let result = try Program.apus(["doctor", "--json", "--reference", "wrong.json"], in: folder)
            let report = try result.json()
            #expect(result.code == 1 && report["passed"]?.bool == false && report["failed"]?.integer == 1)
            let failed = report["cases"]?.array?.filter { $0["passed"]?.bool == false } ?? []
            #expect(failed.count == 1 && failed.first?["name"]?.string == "gae")
            #expect(try Program.apus(["doctor", "--reference", "wrong.json"], in: folder).output.contains("1 FAILED"))
        }
    }

    @Test(arguments: [
        ("", "byte 0"), ("{\"cases\": [", "byte 11"), ("[]", "no list \"cases\""), ("{\"cases\": []}", "is empty"),
        ("{\"cases\": [{\"name\": \"qmix\"}, {\"name\": \"dqn\"}]}", "none of the 2 cases"),
        ("{\"cases\": [{\"inputs\": 1}]}", "case 1"),
        ("{\"cases\": [{\"name\": \"qmix\"}, {\"name\": \"gae\", \"inputs\": {\"lambda\": \"x\"}}]}", "case 2 (gae)"),
    ])
    func whatIsNoReferenceFileIsRefused(_ text: String, says: String) throws {
        try inScratch { folder in
            try Files.write(Array(text.utf8), to: "\(folder)/file.json")
            let result = try Program.apus(["doctor", "--reference", "file.json"], in: folder)
            #expect(result.code == 1 && result.output.isEmpty)
            #expect(result.error.contains(says) && result.error.contains("file.json"), "\(result.error)")
        }
    }
}

extension String {
    fileprivate func replacingCharacters(in part: Substring, by text: String) -> String {
        String(self[..<part.startIndex]) + text + self[part.endIndex...]
    }
}
