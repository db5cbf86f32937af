import Glibc
import Platform
import Spawning
import Testing

/// The files in `cluster/`, and what `apus spawn` writes for Slurm.
@Suite struct ClusterFilesTests {
    private static let cluster = "\(Files.parent(of: #filePath))/../../cluster"
    private static let python = getenv("APUS_PYTHON").map { String(cString: $0) } ?? "python3"
    private static let canValidate = (try? CommandAnswer([python, "-c", "import kubernetes_validate"]))?.code == 0
    private static let hasSystemd = Files.exists("/usr/bin/systemd-analyze")

    @Test func theInventoryIsOne() throws {
        let plans = try Inventory.load("\(Self.cluster)/hosts.yaml")
        #expect(plans.count == 4 && plans.last?.ssh == ["-J", "gate"])
    }

    @Test func theManifestsAreThoseThatArePrinted() throws {
        let committed = String(decoding: try Files.read("\(Self.cluster)/kubernetes/apus.yaml"), as: UTF8.self)
        #expect(committed == KubernetesManifest().text, "apus spawn --print kubernetes > cluster/kubernetes/apus.yaml")
    }

    @Test(.enabled(if: canValidate, "needs the Python package kubernetes-validate"))
    func theManifestsFitTheirSchemas() throws {
        let answer = try CommandAnswer([Self.python, "-m", "kubernetes_validate", "--strict", "\(Self.cluster)/kubernetes/apus.yaml"])
        #expect(answer.code == 0, "\(answer.output) \(answer.errors)")
    }

    @Test(.enabled(if: hasSystemd, "needs systemd-analyze"), arguments: ["apus-coordinator.service", "apus-learner.service", "apus-actor@.service"])
    func theUnitsAreWellFormed(_ name: String) throws {
        let answer = try CommandAnswer(["systemd-analyze", "verify", "\(Self.cluster)/systemd/\(name)"])
        // The programs are installed nowhere here.
        let problems = answer.errors.split(separator: "\n").filter { !$0.contains("is not executable") }
        #expect(problems.isEmpty, "\(answer.errors)")
        let unit = String(decoding: try Files.read("\(Self.cluster)/systemd/\(name)"), as: UTF8.self)
        #expect(unit.contains("NoNewPrivileges=yes") && unit.contains("ProtectSystem=strict"))
    }

    @Test func slurmScriptsAreWellFormed() throws {
        let script = SlurmScript(
            count: 64, command: ["/home/it's me/apus-actor", "--coordinator", "tcp://h:7700"], logs: "/tmp/logs", time: "4:00:00",
            partition: "gpu", options: ["mem=2G", "signal=B:USR1@90", "exclusive"])
        for line in ["array=0-63", "time=4:00:00", "partition=gpu", "mem=2G", "exclusive", "requeue", "signal=B:USR1@90"] {
            #expect(script.text.contains("#SBATCH --\(line)\n"))
        }
        #expect(!script.text.contains("B:USR1@30"), "what is given stands in place of the default")
        let file = "/tmp/apus-slurm-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { try? Files.remove(file) }
        try Files.write(Array(script.text.utf8), to: file, flush: false)
        for path in [file, "\(Self.cluster)/slurm/run.sbatch"] { #expect(try CommandAnswer(["sh", "-n", path]).code == 0) }
    }

    @Test(arguments: ["", "=4", "-mem=2", "mem 2", "mem=2\n#SBATCH --uid=0", "a;b"])
    func optionsOfSbatchAreChecked(_ option: String) {
        #expect(!SlurmScript.isOption(option))
    }
}
