#!/usr/bin/env bash
# Usage: Benchmarks/tokens.sh [--turns N] [--cpu-time]
# Generation and a training step of a Llama of 133,184 parameters in Apus and in PyTorch with Hugging Face's transformers, by turns on the
# same cores, with one thread and with two. PyTorch comes from ${PYTHON:-python3}.
# --cpu-time compares the processor time of one thread, which other programs on the machine disturb less.
source "$(dirname "$0")/common.sh"
python=${PYTHON:-python3}
"$python" -c 'import torch, transformers' 2>/dev/null || {
    echo "error: $python has no PyTorch or no transformers. Install them with: $python -m pip install torch transformers" >&2
    exit 1
}
turns=3
threads="1 2"
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --turns) turns=$2; shift 2 ;;
    --cpu-time) threads=1; arguments+=(--cpu-time); shift ;;
    *) unknown_argument "$1" ;;
    esac
done
for turn in $(seq "$turns"); do
    for count in $threads; do
        common=(--threads "$count" --repetitions 7 "${arguments[@]}")
        "$apus" bench tokens --json "${common[@]}" | tail -n 1 >> "$folder/rates"
        "$python" "$(dirname "$0")/pytorch/tokens.py" "${common[@]}" 2>> "$folder/log" | tail -n 1 >> "$folder/rates"
        echo "turn $turn of $turns, threads: $count" >&2
    done
done
"$python" "$(dirname "$0")/pytorch/token_rates.py" "$folder/rates"
