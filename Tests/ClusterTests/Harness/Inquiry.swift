import Glibc
import Platform
import Testing
import Wire

/// What `apus why` says.
struct Why {
    let cause: String
    let culprit: String
    let sentence: String
    /// How long the answer took, from the start of the process, in seconds.
    let seconds: Double
}

extension Scene {
    /// - Parameter keys: what to ask with; nil: the run is one without keys.
    func why(_ run: String, keys: KeyFolder? = nil) throws -> Why {
        let start = Time.now
        let end = try finish(.apus, ["why", run, "--json"] + (keys.map { ["--keys", $0.path] } ?? []))
        let seconds = Time.now - start
        guard end.exit == .code(0), let last = end.output.split(separator: "\n").last else { throw Trouble("apus why: \(end.exit) \(end.errors)") }
        let json = try JSON.parse(Array(last.utf8), place: "apus why")
        guard let cause = json["cause"]?.string, let culprit = json["culprit"]?.string, let sentence = json["sentence"]?.string else {
            throw Trouble("apus why: \(last)")
        }
        return Why(cause: cause, culprit: culprit, sentence: sentence, seconds: seconds)
    }

    /// Asks again and again until the culprit is named. One answer comes within two seconds on a machine that has nothing else to do.
    ///
    /// - Parameter within: how long after the fault it may take to be seen.
    @discardableResult
    func expectCulprit(
        _ cause: String, _ culprit: String? = nil, of run: String, keys: KeyFolder? = nil, within seconds: Double = 20
    ) throws -> Why {
        let begin = Time.now
        var last: Why?
        while Time.now - begin < seconds {
            // A run that has just been started may not be led yet.
            guard Files.exists("\(run)/coordinator") else {
                usleep(20_000)
                continue
            }
            let why = try self.why(run, keys: keys)
            #expect(why.seconds < 8, "\(why)")
            last = why
            if why.cause == cause, culprit.map({ why.culprit == $0 }) ?? true {
                print("\(cause): named \(Format.seconds(Time.now - begin)) after the fault, answer in \(Format.decimal(why.seconds, 3)) s: \(why.sentence)")
                return why
            }
            usleep(50_000)
        }
        throw Trouble("apus why does not name \(cause) \(culprit ?? ""): \(last.map { "\($0)" } ?? "no answer")")
    }

    /// A library that makes a process believe other things of its host: see Fixtures/slow_host.c. nil where there is no C compiler.
    func slowHost() throws -> String? {
        let source = Files.parent(of: Files.parent(of: #filePath)) + "/Fixtures/slow_host.c"
        let library = "\(folder)/slow_host.so"
        for compiler in ["clang", "cc", "gcc"] {
            let command = "\(compiler) -shared -fPIC -O1 -o '\(library)' '\(source)' -ldl 2>/dev/null"
            if system(command) == 0 { return library }
        }
        return nil
    }
}
