# Sourced by the scripts beside it: the program, a folder for runs that is removed at the end, and the settings of a run at full rate.
set -euo pipefail
export LC_ALL=C
apus="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.build/release/apus"
[ -x "$apus" ] || { echo "error: $apus is missing. Build it with: make build" >&2; exit 1; }
folder=$(mktemp -d)
supervisor=
clean_up() {
    if [ -n "$supervisor" ]; then kill "$supervisor" 2>/dev/null && wait "$supervisor" || true; fi
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Those of `apus bench cartpole`, for a run that ends by the clock alone.
full_rate=(
    --set actors.slots=128 --set actors.unroll=32 --set actors.credits=3 --set stop.return=null --set stop.frames=1000000000000
    --set stop.evaluation_episodes=1 --set optimizer.learning_rate=0.0005 --set optimizer.schedule=constant
)

# For awk on metrics.jsonl: the number that a line has under a name; where it has none, `missing`, or 0.
number='function number(name, missing,   at) { at = index($0, "\"" name "\":"); return at ? substr($0, at + length(name) + 3) + 0 : missing }'

unknown_argument() { echo "error: unknown argument $1. See the head of $0" >&2; exit 64; }

# The process id of a role under the supervisor.
process_of() { pgrep -P "$supervisor" -f "apus-$1 " || true; }
