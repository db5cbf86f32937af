#!/usr/bin/env bash
# Usage: Benchmarks/sac.sh [--turns N] [--cpu-time] [--method sac|td3]
# Gradient updates per second of SAC and TD3 on random transitions of HalfCheetah-v5's shape, in Apus, in Stable-Baselines3 (where it is
# installed) and in CleanRL's loop, by turns on the same cores, each with one thread and with two; of each the better counts. PyTorch comes
# from ${PYTHON:-python3}.
# --cpu-time compares the processor time of one thread, which other programs on the machine disturb less.
source "$(dirname "$0")/common.sh"
python=${PYTHON:-python3}
"$python" -c 'import torch' 2>/dev/null || {
    echo "error: $python has no PyTorch. Install it with: $python -m pip install torch stable-baselines3" >&2
    exit 1
}
libraries="cleanrl"
if "$python" -c 'import stable_baselines3' 2>/dev/null; then libraries="sb3 cleanrl"; fi
turns=3
threads="1 2"
methods="sac td3"
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --turns) turns=$2; shift 2 ;;
    --cpu-time) threads=1; arguments+=(--cpu-time); shift ;;
    --method) methods=$2; shift 2 ;;
    *) unknown_argument "$1" ;;
    esac
done
for turn in $(seq "$turns"); do
    for method in $methods; do
        for count in $threads; do
            common=(--method "$method" --threads "$count" --repetitions 3 "${arguments[@]}")
            "$apus" bench updates --json "${common[@]}" | tail -n 1 >> "$folder/rates"
            for library in $libraries; do
                "$python" "$(dirname "$0")/pytorch/updates.py" --library "$library" "${common[@]}" 2>> "$folder/log" |
                    tail -n 1 >> "$folder/rates"
            done
        done
    done
    echo "turn $turn of $turns" >&2
done
"$python" "$(dirname "$0")/pytorch/rates.py" "$folder/rates"
