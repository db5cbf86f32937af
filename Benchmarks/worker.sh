#!/usr/bin/env bash
# Usage: Benchmarks/worker.sh [ROUNDS=5] [SECONDS=4]    Environments in a worker process against the same slots stepped from Python alone.
# The sides take turns, so that both meet the same machine. PYTHON (default python3) must have gymnasium, ale-py and pyzmq.
source "$(dirname "$0")/common.sh"
rounds=${1:-5}
seconds=${2:-4}
export APUS_PYTHON=${APUS_PYTHON:-${PYTHON:-python3}}
here=$(cd "$(dirname "$0")" && pwd)

python_alone() { "$APUS_PYTHON" "$here/worker.py" "$1" "$2" "$seconds" "$3"; }
median() { sort -n | awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'; }

printf '%-24s %6s  %14s  %14s  %8s  %20s\n' environment slots 'worker steps/s' 'Python alone' ratio "Gymnasium's loop"
compare() {
    rm -f "$folder"/worker "$folder"/alone "$folder"/gymnasium
    for _ in $(seq "$rounds"); do
        "$apus" bench environments "$1" --slots "$2" --seconds "$seconds" --repetitions 1 --json |
            sed -E 's/.*"steps_per_second":([0-9.e+]+).*/\1/' >> "$folder/worker"
        python_alone "$1" "$2" loop >> "$folder/alone"
        [ -z "${3:-}" ] || python_alone "$1" "$2" gymnasium >> "$folder/gymnasium"
    done
    worker=$(median < "$folder/worker")
    alone=$(median < "$folder/alone")
    gymnasium=-
    [ -z "${3:-}" ] || gymnasium=$(median < "$folder/gymnasium" | xargs printf '%.0f')
    awk -v id="$1" -v slots="$2" -v worker="$worker" -v alone="$alone" -v gymnasium="$gymnasium" \
        'BEGIN { printf "%-24s %6d  %14.0f  %14.0f  %8.3f  %20s\n", id, slots, worker, alone, worker / alone, gymnasium }'
}
compare gymnasium:CartPole-v1 32 gymnasium
compare gymnasium:ALE/Pong-v5 8
compare gymnasium:ALE/Pong-v5 16
