#!/usr/bin/env bash
# Usage: Benchmarks/kill-actor.sh [KILLS=5]    Seconds from kill -9 of the only actor until the frame rate is back at 90 % of before.
source "$(dirname "$0")/common.sh"
kills=${1:-5}

"$apus" train cartpole --runs "$folder" --name run "${full_rate[@]}" --set metrics.every_seconds=0.1 > "$folder/out" &
supervisor=$!
sleep 4
for kill in $(seq "$kills"); do
    before=$(process_of actor)
    moment=$(date +%s.%N)
    kill -9 "$before"
    sleep 4
    # Records are 0.1 s apart: the first whole interval after the kill that is fast enough counts, up to its end.
    awk -v moment="$moment" -v kill="$kill" -v before="$before" -v after="$(process_of actor)" "$number"'
        { time = number("time"); rate = number("frames_per_second") }
        time > moment - 2 && time <= moment { sum += rate; count++ }
        last > moment && time <= moment + 4 {
            if (lowest == "" || rate < lowest) lowest = rate
            if (!back && rate >= 0.9 * sum / count) back = time - moment
        }
        { last = time }
        END {
            printf "kill %d: process %d, then %d; ", kill, before, after
            printf "%.2f M frames/s before, %.2f M at the lowest, ", sum / count / 1e6, lowest / 1e6
            if (back) printf "back after %.2f s\n", back; else print "not back within 4 s"
        }' "$folder/run/metrics.jsonl"
done
