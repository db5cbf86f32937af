#!/usr/bin/env bash
# Usage: Benchmarks/networks.sh [--turns N] [--cpu-time] [--case NAME]
# The networks of the presets in Apus and in PyTorch, by turns on the same cores: forward, and forward, backward and Adam. The ratio is
# that of the medians over the turns, each side at its best number of threads and PyTorch in its best variant. PyTorch comes from
# ${PYTHON:-python3}.
# --cpu-time compares the processor time of one thread, which other programs on the machine disturb less.
source "$(dirname "$0")/common.sh"
python=${PYTHON:-python3}
"$python" -c 'import torch' 2>/dev/null || {
    echo "error: $python has no PyTorch. Install it with: $python -m pip install torch" >&2
    exit 1
}
turns=3
threads="1 2"
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --turns) turns=$2; shift 2 ;;
    --cpu-time) threads=1; arguments+=(--cpu-time); shift ;;
    --case) arguments+=(--case "$2"); shift 2 ;;
    *) unknown_argument "$1" ;;
    esac
done
for turn in $(seq "$turns"); do
    for count in $threads; do
        "$apus" bench networks --json --threads "$count" --repetitions 7 "${arguments[@]}" | tail -n 1 >> "$folder/apus"
        "$python" "$(dirname "$0")/pytorch/networks.py" --threads "$count" --repetitions 7 "${arguments[@]}" 2>> "$folder/log" |
            tail -n 1 >> "$folder/pytorch"
        echo "turn $turn of $turns, threads: $count" >&2
    done
done
"$python" "$(dirname "$0")/pytorch/ratios.py" "$folder/apus" "$folder/pytorch"
