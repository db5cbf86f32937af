#!/usr/bin/env bash
# Usage: Benchmarks/environments.sh [ID…]    Steps per second of environments alone on one core, and Gymnasium's where PYTHON has it.
# PYTHON (default python3) must have the packages gymnasium[mujoco,box2d].
source "$(dirname "$0")/common.sh"
ids=("$@")
[ ${#ids[@]} -gt 0 ] || ids=(
    LunarLander-v3 LunarLanderContinuous-v3 HalfCheetah-v5 Hopper-v5 Walker2d-v5 Ant-v5 Swimmer-v5 InvertedPendulum-v5 Reacher-v5
)
speed=$(cd "$(dirname "$0")/.." && pwd)/scripts/traces/gymnasium_speed.py
export APUS_PYTHON=${APUS_PYTHON:-${PYTHON:-python3}}
"$apus" bench environments "${ids[@]}"
# MuJoCo's Python package writes a log file into the current folder.
(cd "$folder" && "$APUS_PYTHON" "$speed" "${ids[@]}")
