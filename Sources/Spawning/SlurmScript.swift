/// An sbatch script: an array of actors, each a job of its own that Slurm may end and start again.
public struct SlurmScript: Equatable, Sendable {
    public var count: Int
    /// The program and its arguments, as a node runs them.
    public var command: [String]
    /// Where logs go; Slurm makes no folders.
    public var logs: String
    public var time: String?
    public var partition: String?
    /// More of sbatch's options, as `key=value` or `key`.
    public var options: [String]

    public init(count: Int, command: [String], logs: String, time: String?, partition: String?, options: [String]) {
        self.count = count
        self.command = command
        self.logs = logs
        self.time = time
        self.partition = partition
        self.options = options
    }

    /// The script. Slurm sends USR1 to it before the time is up: the actor leaves in order and the job goes back to the queue. TERM, which
    /// ends or requeues a job, only lets the actor leave.
    public var text: String {
        var header = [
            "job-name=apus-actors", "array=0-\(count - 1)", "ntasks=1", "cpus-per-task=1", "requeue", "open-mode=append",
            "signal=B:USR1@30", "output=\(logs)/actor-%A_%a.log",
        ]
        if let time { header.append("time=\(time)") }
        if let partition { header.append("partition=\(partition)") }
        let given = Set(options.map { $0.prefix { $0 != "=" } })
        let lines = header.filter { !given.contains($0.prefix { $0 != "=" }) } + options
        return """
            #!/bin/sh
            \(lines.map { "#SBATCH --\($0)" }.joined(separator: "\n"))
            # An actor of Apus. It may be ended at any time: what it has sent counts, and another takes its place.
            stop= again= tries=0
            # Slurm may have told the actor, too, and a second signal would end it at once: it gets a moment first.
            trap 'stop=1; sleep 1; kill -TERM "$actor" 2>/dev/null' TERM INT
            trap 'stop=1 again=1; kill -TERM "$actor" 2>/dev/null' USR1
            while :; do
                \(Shell.line(command)) &
                actor=$!
                code=0
                wait "$actor" || code=$?
                # A signal interrupts the waiting, not the actor.
                while kill -0 "$actor" 2>/dev/null; do code=0; wait "$actor" || code=$?; done
                # 0: the run is over, or it was asked to leave. 3: it was refused.
                if [ -n "$stop" ] || [ "$code" -eq 0 ] || [ "$code" -eq 3 ]; then break; fi
                tries=$((tries + 1))
                if [ "$tries" -ge 5 ]; then break; fi
                echo "the actor ended with exit code $code; it is started again"
                sleep "$tries"
            done
            if [ -n "$again" ]; then
                echo "the time is up: back to the queue"
                scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
            fi
            exit "$code"

            """
    }

    /// What sbatch takes as an option: letters, digits and hyphens, then perhaps a value without a line's end.
    public static func isOption(_ text: String) -> Bool {
        let name = text.prefix { $0 != "=" }
        return name.first?.isLetter == true && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
            && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
    }
}
