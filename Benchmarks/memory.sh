#!/usr/bin/env bash
# Usage: Benchmarks/memory.sh [SECONDS=600] [WARM_UP=60]    Memory of every role at full rate, every 5 s, and its growth after the warm-up.
# RSS counts pages that several processes share in each of them, PSS divides them among them: only sums of PSS mean anything.
source "$(dirname "$0")/common.sh"
seconds=${1:-600}
warm_up=${2:-60}

"$apus" train cartpole --runs "$folder" --name run "${full_rate[@]}" --set stop.seconds="$seconds" > "$folder/out" &
supervisor=$!
printf '%8s  %27s  %27s  %27s  %12s\n' seconds 'coordinator RSS, PSS (MB)' 'learner RSS, PSS (MB)' 'actor RSS, PSS (MB)' 'all PSS (MB)'
SECONDS=0
while [ "$SECONDS" -lt $((seconds - 5)) ] && kill -0 "$supervisor" 2> /dev/null; do
    sleep 5
    line=$SECONDS
    for role in coordinator learner actor; do
        line="$line $(awk '/^Rss:/ { rss = $2 } /^Pss:/ { pss = $2 } END { print rss, pss }' "/proc/$(process_of "$role")/smaps_rollup")"
    done
    echo "$line" >> "$folder/memory"
    awk '{
        printf "%8d", $1
        for (i = 2; i <= 7; i += 2) printf "  %13.1f %13.1f", $i / 1024, $(i + 1) / 1024
        printf "  %12.1f\n", ($3 + $5 + $7) / 1024
    }' <<< "$line"
done
wait "$supervisor" || true
supervisor=
awk -v warm_up="$warm_up" '
    $1 >= warm_up {
        if (!count++) for (i = 2; i <= 7; i++) first[i] = $i
        for (i = 2; i <= 7; i++) growth[i] = $i - first[i]
        if ($3 + $5 + $7 > total) total = $3 + $5 + $7
    }
    END {
        split("coordinator learner actor", roles, " ")
        for (r = 1; r <= 3; r++) {
            printf "%s: grew by %.1f MB RSS, %.1f MB PSS after %d s\n", roles[r], growth[2 * r] / 1024, growth[2 * r + 1] / 1024, warm_up
        }
        printf "the three roles together: at most %.1f MB\n", total / 1024
    }' "$folder/memory"
tail -n 2 "$folder/out"
