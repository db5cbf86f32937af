import Platform
import Runs
import Testing

/// What the commands that need no run say, and what they say to those who mistype.
@Suite struct TextTests {
    static let commands = [
        "train", "status", "why", "watch", "spawn", "adjust", "evaluate", "plot", "ledger", "ledger check", "replay", "bench", "config", "methods",
        "environments", "doctor", "lag-sweep", "prove", "chaos", "keys", "keys new", "keys show", "keys allow", "keys revoke",
    ]

    @Test(arguments: [""] + commands)
    func help(_ command: String) throws {
        try inScratch { folder in
            let result = try Program.apus(command.split(separator: " ").map(String.init) + ["--help"], in: folder)
            #expect(result.code == 0 && result.error.isEmpty)
            #expect(result.output.contains("OVERVIEW: ") && result.output.contains("USAGE: apus"))
            if command.isEmpty { for name in Self.commands { #expect(result.output.contains(name.split(separator: " ")[0])) } }
        }
    }

    @Test(arguments: [
        (["statsu"], 64, "Did you mean status?"),
        (["ledger", "chekc"], 64, "Did you mean check?"),
        (["config", "cartpol"], 1, "Did you mean cartpole?"),
        (["config", "missing.yaml"], 1, "missing.yaml"),
        (["config", "cartpole", "--set", "actors.slot=3"], 1, "Did you mean actors.slots?"),
        (["config", "cartpole", "--set", "actors.slots=many"], 1, "actors.slots is many, but must be a whole number"),
        (["config", "cartpole", "--set", "actors.slots"], 1, "Write it as key=value"),
        (["config", "--set", "environment.id=CartPole-v0"], 1, "Did you mean \"CartPole-v1\"?"),
        (["config", "--set", "method.id=vtarce"], 1, "Did you mean \"vtrace\"?"),
        (["config", "--set", "method.options.entropi=1"], 1, "Did you mean \"entropy\"?"),
        (["train", "cartpol"], 1, "Did you mean cartpole?"),
        (["train", "cartpole", "--set", "method.id=vtarce"], 1, "Did you mean \"vtrace\"?"),
        (["train", "cartpole", "--set", "environment.id=CartPole"], 1, "Did you mean \"CartPole-v1\"?"),
        (["train", "cartpole", "--set", "method.id=sac"], 1, "bounded continuous actions"),
        (["train", "cartpole", "--set", "method.id=dqn", "--set", "network.id=actor_critic"], 1, "Set network.id to auto"),
        (["train", "cartpole", "--set", "replay.ratio=1", "--set", "replay.burn_in=4"], 1, "Set replay.burn_in to 0"),
        (["config", "addition", "--set", "environment.id=additon"], 1, "Did you mean \"addition\"?"),
        (["config", "addition", "--set", "environment.options.digit=2"], 1, "Did you mean \"digits\"?"),
        (["config", "addition", "--set", "method.id=grop"], 1, "Did you mean \"grpo\"?"),
        (["config", "addition", "--set", "tokens.grups=3"], 1, "Did you mean tokens.groups?"),
        (["config", "addition", "--set", "environment.id=CartPole-v1"], 1, "grpo trains token policies, and CartPole-v1 gives observations"),
        (["train", "addition", "--set", "method.id=ppo"], 1, "for example grpo"),
        (["train", "cartpole", "--set", "method.id=grpo"], 1, "grpo trains token policies, and CartPole-v1 gives observations"),
        (["train", "cartpole", "--set", "environment.id=addition"], 1, "vtrace does not train token policies"),
        (["train", "addition", "--set", "tokens.heads=3"], 1, "(in tokens.heads)"),
        (["train", "addition", "--set", "environment.id=tasks:none.jsonl"], 1, "none.jsonl"),
        (["evaluate", "runs/none"], 1, "runs/none"),
        (["evaluate", "."], 1, "it has no run.yaml"),
        (["evaluate", ".", "--checkpoint", "bets"], 64, "neither latest nor best nor a version"),
        (["evaluate", ".", "--episodes", "0"], 64, "allowed are 1 to 65536"),
        (["plot", ".", "-o", "curves.png"], 64, "ends in .svg"),
        (["plot", "-o", "curves.svg"], 64, "run-dir"),
        (["plot", ".", "-o", "curves.svg", "--x", "hours"], 64, "'frames', 'seconds' or 'version'"),
        (["status"], 1, "apus train cartpole"),
        (["status", "runs/one", "--coordinator", "tcp://127.0.0.1:1"], 64, "not both"),
        (["adjust", "runs/one"], 64, "--max-lag"),
        (["adjust", "--max-lag", "3"], 64, "one of them"),
        (["adjust", "runs/one", "--max-lag=-1"], 64, "from 0"),
        (["adjust", "runs/none", "--max-lag", "3"], 1, "runs/none"),
        (["status", "--coordinator", "localhost"], 1, "tcp://HOST:PORT"),
        (["doctor", "--reference", "none.json"], 1, "none.json"),
        (["chaos", "cartpole"], 64, "--seed"),
        (["chaos", "cartpole", "--seed", "1", "--faults", "0"], 64, "allowed are 1 to 100000"),
        (["chaos", "cartpole", "--seed", "1", "--faults", "2", "--minutes", "1"], 64, "not both"),
        (["chaos", "cartpol", "--seed", "1"], 1, "Did you mean cartpole?"),
        (["lag-sweep"], 64, "a preset or a run file"),
        (["lag-sweep", "cartpol"], 1, "Did you mean cartpole?"),
        (["lag-sweep", "cartpole", "--corrections", "vtarce"], 1, "Did you mean vtrace? There are: none, clip, vtrace"),
        (["lag-sweep", "addition", "--corrections", "decopled"], 1, "for token policies (in --corrections). Did you mean decoupled?"),
        (["lag-sweep", "addition", "--corrections", "vtrace"], 1, "There are: none, clip, ppo, decoupled, decoupled-critic, tis, mis"),
        (["lag-sweep", "addition", "--lags", "0,16", "--corrections", "decoupled,clip"], 1, "clip (grpo) takes no data that is older than 8 updates"),
        (["lag-sweep", "cartpole", "--corrections", "none,none"], 64, "stands twice"),
        (["lag-sweep", "cartpole", "--lags", "0,two"], 64, "\"two\" is no lag"),
        (["lag-sweep", "cartpole", "--lags", "0,-1"], 64, "\"-1\" is no lag"),
        (["lag-sweep", "cartpole", "--lags", "1,,2"], 64, "whole numbers from 0 to 10000"),
        (["lag-sweep", "cartpole", "--lags", "4,4"], 64, "stands twice"),
        (["lag-sweep", "cartpole", "--seeds", "0"], 64, "allowed are 1 to 1000"),
        (["lag-sweep", "cartpole", "--workers", "0"], 64, "allowed are 1 to 1024"),
        (["lag-sweep", "cartpole", "--frames", "0"], 1, "stop.frames is 0"),
        (["lag-sweep", "cartpole", "--distribution", "normal"], 64, "'fixed' and 'uniform'"),
        (["lag-sweep", "cartpole", "-o", "lag.png"], 64, "ends in .svg"),
        (["lag-sweep", "cartpole", "--set", "method.options.clpi=1", "--corrections", "clip"], 1, "Did you mean clip?"),
        (["prove"], 64, "--all"),
        (["keys", "new", "--for", "gpu-1"], 64, "apus keys new --for NAME FOLDER"),
        (["keys", "new", "mine", "--name", "a b"], 1, "cannot be the name"),
        (["keys", "new", "mine", "--authority", "."], 64, "--for NAME"),
        (["keys", "new", "mine", "--for", "gpu-1", "--authority", "none"], 1, "none"),
        (["keys", "show", "none"], 1, "apus keys new 'none'"),
        (["keys", "allow", "gpu-1", "key"], 1, "apus keys new"),
        (["keys", "allow", "gpu-1", "key", "--role", "boss"], 64, "actor, learner and command"),
        (["keys", "revoke", "gpu-1", "--keys", "none"], 1, "gpu-1 is not allowed"),
        (["status", "--coordinator", "tcp://127.0.0.1:1", "--keys", "none"], 1, "apus keys new 'none'"),
        (["spawn"], 64, "--coordinator"),
        (["spawn", "--coordinator", "tcp://h:7700"], 64, "--inventory"),
        (["spawn", "--coordinator", "tcp://h:7700", "--hosts", "a:0"], 1, "a,b:4,me@c:2"),
        (["spawn", "--coordinator", "tcp://h", "--hosts", "a"], 1, "tcp://HOST:PORT"),
        (["spawn", "--coordinator", "tcp://127.0.0.1:7700", "--hosts", "a"], 1, "loopback"),
        (["spawn", "--coordinator", "tcp://h:7700", "--inventory", "none.yaml"], 1, "none.yaml"),
        (["spawn", "--run", "runs/none", "--hosts", "a"], 1, "runs/none"),
        (["spawn", "--coordinator", "tcp://h:7700", "--slurm"], 64, "-n"),
        (["spawn", "--coordinator", "tcp://h:7700", "--slurm", "-n", "2", "--sbatch-option", "mem 2"], 64, "key=value"),
        (["spawn", "--print", "kubernets"], 64, "--print kubernetes"),
        (["prove", "vtarce"], 1, "Did you mean \"vtrace\"?"),
    ])
    func mistyped(_ arguments: [String], code: Int32, says: String) throws {
        try inScratch { folder in
            let result = try Program.apus(arguments, in: folder)
            #expect(result.code == code && result.output.isEmpty)
            #expect(result.error.contains(says), "\(result.error)")
            for name in ["runs", "sweeps", "proofs", "mine"] { #expect(!Files.exists("\(folder)/\(name)"), "a mistake leaves nothing behind") }
        }
    }

    @Test(arguments: [["methods"], ["environments"], ["config", "cartpole"], ["config", "addition"], ["doctor"], ["lag-sweep", "--list"]])
    func json(_ arguments: [String]) throws {
        try inScratch { folder in
            let result = try Program.apus(arguments + ["--json"], in: folder)
            #expect(result.code == 0)
            #expect(try result.json().object?.isEmpty == false)
            let text = try Program.apus(arguments, in: folder)
            #expect(text.code == 0 && !text.output.hasPrefix("{"))
        }
    }

    @Test func listsNameWhatARunMaySay() throws {
        try inScratch { folder in
            let methods = try Program.apus(["methods", "--json"], in: folder).json()
            let vtrace = try #require(methods["methods"]?.array?.first { $0["id"]?.string == "vtrace" })
            #expect(vtrace["staleness"]?.string == "C" && vtrace["max_lag"]?.integer == 32)
            let entropy = try #require(vtrace["options"]?.array?.first { $0["name"]?.string == "entropy" })
            #expect(entropy["default"]?.number == 0.01 && entropy["documentation"]?.string?.isEmpty == false)
            let environments = try Program.apus(["environments", "--json"], in: folder).json()
            let cartPole = try #require(environments["environments"]?.array?.first { $0["id"]?.string == "CartPole-v1" })
            #expect(cartPole["max_episode_steps"]?.integer == 500 && cartPole["action_space"]?["count"]?.integer == 2)
        }
    }

    /// What is printed is a run file, with the same content, and names every key.
    @Test func configIsARunFile() throws {
        try inScratch { folder in
            let first = try Program.apus(["config", "cartpole", "--set", "actors.slots=7"], in: folder)
            try Files.write(Array(first.output.utf8), to: "\(folder)/mine.yaml")
            let second = try Program.apus(["config", "mine.yaml"], in: folder)
            #expect(first.code == 0 && second.code == 0 && first.output == second.output)
            #expect(first.output.contains("slots: 7"))
            let json = try Program.apus(["config", "mine.yaml", "--json"], in: folder).json()
            #expect(json["actors.slots"]?.integer == 7 && json["network.hidden"]?.array?.count == 2)
            let sections = Set(
                RunSpec.documentation.compactMap { $0.key.split(separator: ".").count > 1 ? $0.key.split(separator: ".")[0] : nil })
            for (key, text) in RunSpec.documentation {
                #expect(first.output.contains("# \(text)\n"))
                #expect(sections.contains(key[...]) || json[key] != nil, "\(key)")
            }
        }
    }

    /// README must not fall behind.
    @Test func readmeNamesEveryKeyAndCommand() throws {
        let readme = String(decoding: try Files.read(fixture("../../../README.md")), as: UTF8.self)
        for (key, text) in RunSpec.documentation where key.contains(".") || key == "name" || key == "seed" {
            #expect(readme.contains("| `\(key)` |"), "\(key)")
            #expect(readme.contains(text.split(separator: "|").joined(separator: "\\|")), "\(key): \(text)")
        }
        for command in Self.commands { #expect(readme.contains("apus \(command)"), "\(command)") }
    }
}
