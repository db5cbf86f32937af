#!/usr/bin/env bash
# Usage: Benchmarks/grpo.sh [--turns N] [--seconds S]
# GRPO on sums of three digits, end to end through separate processes: a Llama of 2 layers × 64, 8 completions of at most 8 tokens for each of 8 prompts
# an update. Completions per second after the warm-up.
source "$(dirname "$0")/common.sh"
turns=3
seconds=60
while [ $# -gt 0 ]; do
    case $1 in
    --turns) turns=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    *) unknown_argument "$1" ;;
    esac
done
for turn in $(seq "$turns"); do
    (cd "$folder" && "$apus" train addition --name "turn$turn" --set "seed=$turn" --set "stop.seconds=$seconds" --set stop.return=null --set tokens.groups=8 \
        --set actors.slots=64 --set learner.rollouts_per_update=1 --set method.options.leave_out_equal=0 --set optimizer.learning_rate=0.0003 \
        --set stop.evaluation_episodes=0 > "log$turn" 2>&1) || { cat "$folder/log$turn" >&2; exit 1; }
    awk -v turn="$turn" "$number"'
        { e = number("episodes"); s = number("seconds")
          if (NR == 3) { e0 = e; s0 = s } }
        END { printf "turn %s: %.0f completions/s\n", turn, (e - e0) / (s - s0) }' "$folder/runs/turn$turn/metrics.jsonl"
done
