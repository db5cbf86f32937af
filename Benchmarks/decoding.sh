#!/usr/bin/env bash
# Usage: Benchmarks/decoding.sh [--turns N]
# Decoding steps per trained response and the share of busy slots where lengths have a long tail: chains of operations, responses of at most 256 tokens
# from a policy that has learned nothing (about 64 on average), 64 slots. A synchronous run (all groups of an update, then the update) against one whose
# slots are refilled at once, with responses shipped whole (GRPO without its deviation) and in windows of 16 tokens (T-PPO). The same on every machine.
source "$(dirname "$0")/common.sh"
turns=3
while [ $# -gt 0 ]; do
    case $1 in
    --turns) turns=$2; shift 2 ;;
    *) unknown_argument "$1" ;;
    esac
done
run() { # NAME SEED SETTING…
    local name=$1 seed=$2; shift 2
    (cd "$folder" && "$apus" train chain --name "$name" --seed "$seed" "${@/#/--set=}" --set=warmup.updates=0 --set=tokens.longest_response=256 \
        --set=environment.options.work=250 --set=stop.frames=200000 --set=stop.return=null --set=stop.evaluation_episodes=0 > "log-$name" 2>&1) \
        || [ $? -eq 2 ] || { cat "$folder/log-$name" >&2; exit 1; }
    awk -v name="$name" "$number"'
        { n = number("version") - before; before += n; steps += n * number("decoding_steps"); responses += n * number("responses")
          busy += n * number("decoding_steps") * number("slot_utilisation") }
        END { printf "%s: %.2f decoding steps a response, %.0f %% of the slots busy\n", name, steps / responses, busy / steps * 100 }' \
        "$folder/runs/$name/metrics.jsonl"
}
for turn in $(seq "$turns"); do
    run "synchronous-$turn" "$turn" tokens.changes=wait actors.credits=1 learner.max_lag=0
    run "asynchronous-$turn" "$turn"
    run "windows-$turn" "$turn" method.id=t-ppo method.options.window=16
done
