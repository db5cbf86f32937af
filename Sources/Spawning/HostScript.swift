/// What a host is told over ssh: scripts for its `sh`, which come over standard input, so that no login shell ever reads a name of ours.
///
/// They answer on standard error with lines that begin with `@apus`.
public struct HostScript: Equatable, Sendable {
    /// The run's part of the state folder's name.
    public var key: String
    /// The program's name there: with a digest of its content, so that it is copied only when it has changed.
    public var programName: String
    public var programBytes: Int
    /// SHA-256 of the program.
    public var digest: String
    /// `Linux x86_64`, as `uname -sm` says it.
    public var machine: String
    /// The words between the program and its options, for a program that has the actor as one of its commands.
    public var words: [String]
    /// The coordinator's address; `{client}` in it stands for the address by which the host sees the one who spawns.
    public var coordinator: String

    public init(
        key: String, programName: String, programBytes: Int, digest: String, machine: String, words: [String], coordinator: String
    ) {
        self.key = key
        self.programName = programName
        self.programBytes = programBytes
        self.digest = digest
        self.machine = machine
        self.words = words
        self.coordinator = coordinator
    }

    /// Sees to it that the actors run, and passes on what they say.
    ///
    /// - Parameters:
    ///   - incoming: where the program was copied to just now; nil: it should be there.
    ///   - position: where in the log to go on; nil at the first connection.
    ///   - keys: the files of the host's identity, which come in the script: over standard input and nowhere else.
    public func begin(_ plan: HostPlan, incoming: String?, from position: Int?, detached: Bool, keys: [HostKeys.File] = []) -> String {
        var options = ["--keep", "\(plan.count)", "--state"]
        if let slots = plan.slots { options = ["--slots", "\(slots)"] + options }
        let identity =
            keys.isEmpty
            ? "" : "mkdir -p \"$state/keys\"\n" + keys.map { "printf '%s' \(Shell.quoted($0.content)) >\"$state/keys/\($0.name)\"\n" }.joined()
        let tail = (position.map { ["--from", "\($0)"] } ?? []) + (detached ? ["--detach"] : [])
        return """
            apus_begin() {
            \(places(plan))
            machine=$(uname -sm)
            [ "$machine" = \(Shell.quoted(machine)) ] || { say "wrong-machine $machine"; exit 0; }
            umask 077
            mkdir -p "$folder/bin" "$state" || { say "no-folder $folder"; exit 0; }
            \(identity)program="$folder/bin/"\(Shell.quoted(programName))
            incoming=\(Shell.quoted(incoming ?? ""))
            if [ -n "$incoming" ]; then
                set -- $(sha256sum "$incoming")
                [ "${1:-}" = \(digest) ] || { rm -f "$incoming"; say "torn $(df -Pk "$folder" | awk 'NR == 2 { print $4 }')"; exit 0; }
                # Hosts may share this folder, and another may run the program by now: what is there stays.
                chmod 700 "$incoming" && { ln "$incoming" "$program" 2>/dev/null || [ -x "$program" ] || mv "$incoming" "$program"; } \\
                    || { say "no-folder $folder"; exit 0; }
                rm -f "$incoming"
            elif [ ! -x "$program" ]; then
                space=$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')
                [ "$space" -gt \(programBytes / 1024 + 1024) ] || { say "no-space $space"; exit 0; }
                say "missing $folder/bin/.incoming-$$"
                exit 0
            fi
            touch "$program"
            find "$folder/bin" -type f -mtime +30 -exec rm -f {} +
            answer=$("$program" \(Shell.line(words + ["--help"])) 2>&1) || {
                code=$?
                printf '%s\\n' "$answer" | head -n 5 >&2
                say "cannot-start $code"
                exit 0
            }
            coordinator=\(Shell.quoted(coordinator))
            client=${SSH_CONNECTION:-127.0.0.1}
            client=${client%% *}
            case $client in *:*) client="[$client]" ;; esac
            case $coordinator in *'{client}'*) coordinator="${coordinator%%'{client}'*}$client${coordinator#*'{client}'}" ;; esac
            exec "$program" \(Shell.line(words + ["--coordinator"])) "$coordinator"\(keys.isEmpty ? "" : " --keys \"$state/keys\"") \(Shell.line(options)) "$state" \(Shell.line(tail))
            }
            apus_begin

            """
    }

    /// Ends what runs there, by its process id, if it is still the process that was started.
    public func stop(_ plan: HostPlan) -> String {
        """
        apus_stop() {
        \(places(plan))
        alive() {
            [ -r "/proc/$pid/stat" ] || return 1
            stat=$(cat "/proc/$pid/stat" 2>/dev/null) || return 1
            set -- ${stat##*) }
            [ "${20:-}" = "$start" ]
        }
        [ -r "$state/keeper" ] && read -r pid start <"$state/keeper" || { say "stopped nothing"; exit 0; }
        alive || { say "stopped nothing"; exit 0; }
        running=$(cat "$state/running" 2>/dev/null)
        kill -TERM "$pid"
        tries=0
        while alive && [ $tries -lt 150 ]; do sleep 0.1; tries=$((tries + 1)); done
        # The kernel ends the actors with their keeper.
        if alive; then kill -KILL "$pid"; fi
        say "stopped ${running:-0}"
        }
        apus_stop
        exit

        """
    }

    /// Where things lie, as variables.
    private func places(_ plan: HostPlan) -> String {
        let folder =
            switch plan.folder {
            case nil: "folder=${XDG_CACHE_HOME:-$HOME/.cache}/apus"
            case let path? where path == "~" || path.hasPrefix("~/"): "folder=$HOME\(Shell.quoted(String(path.dropFirst())))"
            case let path?: "folder=\(Shell.quoted(path))\ncase $folder in /*) ;; *) folder=$HOME/$folder ;; esac"
            }
        // The host's name stands in it because home folders may be shared between hosts.
        return """
            set -u
            say() { printf '@apus %s\\n' "$*" >&2; }
            \(folder)
            state="$folder/"\(Shell.quoted(key))/\(Shell.quoted(plan.destination))
            """
    }

    /// A name for a run's folder: the coordinator's address without what no folder should have in its name.
    public static func key(coordinator: String) -> String {
        String(coordinator.map { $0.isLetter || $0.isNumber || "._-".contains($0) ? $0 : "-" })
    }
}
