#!/usr/bin/env bash
# Usage: Benchmarks/sums.sh [--seeds N] [--limit SECONDS] [--no-peer]
# Sums of three digits from a warm start at 30 % until 95 % of the last 1,024 drawn responses are correct: the preset `addition`, and by turns TRL's
# GRPOTrainer with the same network, groups, batch and step size, for at most so many seconds. TRL comes from ${PYTHON:-python3}.
source "$(dirname "$0")/common.sh"
python=${PYTHON:-python3}
seeds=3
limit=420
peer=1
while [ $# -gt 0 ]; do
    case $1 in
    --seeds) seeds=$2; shift 2 ;;
    --limit) limit=$2; shift 2 ;;
    --no-peer) peer=; shift ;;
    *) unknown_argument "$1" ;;
    esac
done
[ -z "$peer" ] || "$python" -c 'import trl' 2>/dev/null || {
    echo "error: $python has no TRL. Install it with: $python -m pip install torch transformers trl datasets, or give --no-peer" >&2
    exit 1
}
for seed in $(seq "$seeds"); do
    # 2: it has not come to 95 %.
    report=$("$apus" train addition --seed "$seed" --runs "$folder" --name "seed-$seed" --json 2> "$folder/log" | tail -n 1) \
        || [ $? -eq 2 ] || { cat "$folder/log" >&2; exit 1; }
    held_out=$(sed -n 's/.*"evaluation_return":\([^,}]*\).*/\1/p' <<< "$report")
    awk -v seed="$seed" -v held_out="$held_out" "$number"'
        { r = number("training_return", -1); s = number("seconds") }
        # The first record with a return is that of the first second.
        !first && r >= 0 { first = 1; from = r; start = s - 1 }
        !reached && r >= 0.95 { reached = s; after = number("episodes") }
        r > best { best = r }
        END { printf "seed %s: Apus from %.0f %% %s, held out %.3f\n", seed, from * 100, \
              reached ? sprintf("to 95 %% in %.1f s, %d completions", reached - start, after) : sprintf("to %.1f %% in %.0f s", best * 100, s - start), held_out }' \
        "$folder/seed-$seed/metrics.jsonl"
    [ -n "$peer" ] || continue
    "$python" "$(dirname "$0")/pytorch/sums.py" --limit "$limit" --seed "$seed" 2>> "$folder/log" | tail -n 1 > "$folder/peer" || { cat "$folder/log" >&2; exit 1; }
    awk -v seed="$seed" "$number"'
        { printf "seed %s: TRL from %.0f %% to %.1f %% in %.1f s, %d completions\n", seed, number("first") * 100, number("correct") * 100, \
              number("seconds"), number("completions") }' "$folder/peer"
done
