#!/usr/bin/env bash
# Usage: Benchmarks/solve.sh [SEEDS=10] [PRESET=cartpole] [ARGUMENT …]
# Seconds from process start until a preset's environment is solved: each seed, median, worst. ARGUMENTs go to `apus train`.
source "$(dirname "$0")/common.sh"
seeds=${1:-10}
preset=${2:-cartpole}

field() { sed -n "s/.*\"$2\":\([^,}]*\).*/\1/p" <<< "$1"; }

solved=0
for seed in $(seq "$seeds"); do
    report=$("$apus" train "$preset" --seed "$seed" --runs "$folder" --name "seed-$seed" --json "${@:3}" | tail -n 1) || true
    [ "$(field "$report" solved)" = true ] && solved=$((solved + 1))
    printf 'seed %d: solved %s in %.2f s, %d frames, training return %.1f, evaluation return %.1f\n' "$seed" "$(field "$report" solved)" \
        "$(field "$report" seconds)" "$(field "$report" frames)" "$(field "$report" training_return)" \
        "$(field "$report" evaluation_return)"
    field "$report" seconds >> "$folder/seconds"
done
sort -n "$folder/seconds" | awk -v solved="$solved" '
    { seconds[NR] = $1 }
    END {
        median = NR % 2 ? seconds[(NR + 1) / 2] : (seconds[NR / 2] + seconds[NR / 2 + 1]) / 2
        printf "solved %d of %d: median %.2f s, best %.2f s, worst %.2f s\n", solved, NR, median, seconds[1], seconds[NR]
    }'
