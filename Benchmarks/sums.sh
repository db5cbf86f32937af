#!/usr/bin/env bash
# Usage: Benchmarks/sums.sh [--seeds N] [--limit SECONDS] [--no-peer]
# Sums of three digits from a warm start at 30 % until 95 % of the last 1,024 drawn responses are correct: the preset `addition`, and TRL's GRPOTrainer
# with the same network, groups, batch and step size, for at most so many seconds. TRL comes from ${PYTHON:-python3}.
source "$(dirname "$0")/common.sh"
python=${PYTHON:-python3}
seeds=5
limit=600
peer=1
while [ $# -gt 0 ]; do
    case $1 in
    --seeds) seeds=$2; shift 2 ;;
    --limit) limit=$2; shift 2 ;;
    --no-peer) peer=; shift ;;
    *) echo "error: unknown argument $1. See the head of $0" >&2; exit 64 ;;
    esac
done
[ -z "$peer" ] || "$python" -c 'import trl' 2>/dev/null || {
    echo "error: $python has no TRL. Install it with: $python -m pip install torch transformers trl datasets, or give --no-peer" >&2
    exit 1
}
for seed in $(seq "$seeds"); do
    report=$("$apus" train addition --seed "$seed" --runs "$folder" --name "seed-$seed" --json 2> "$folder/log" | tail -n 1) || { cat "$folder/log" >&2; exit 1; }
    awk -v seed="$seed" '
        function number(name,   at, rest) { at = index($0, "\"" name "\":"); if (!at) return -1; rest = substr($0, at + length(name) + 3); return rest + 0 }
        { r = number("training_return"); s = number("seconds")
          if (!first && r >= 0) { first = 1; from = r; start = s }
          if (!reached && r >= 0.95) { reached = s; after = number("episodes") }
          best = r > best ? r : best }
        END { printf "seed %s: from %.0f %% %s\n", seed, from * 100, \
              reached ? sprintf("to 95 %% in %.1f s, %d completions", reached - start, after) : sprintf("to %.1f %% in %.0f s", best * 100, s - start) }' \
        "$folder/seed-$seed/metrics.jsonl"
    printf '        held out: %s\n' "$(sed -n 's/.*"evaluation_return":\([^,}]*\).*/\1/p' <<< "$report")"
done
[ -z "$peer" ] || "$python" "$(dirname "$0")/pytorch/sums.py" --limit "$limit" 2>> "$folder/log" | tail -n 1
