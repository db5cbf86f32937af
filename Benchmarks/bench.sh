#!/usr/bin/env bash
# Usage: Benchmarks/bench.sh    Trained frames per second end to end, and the wire against bare ZeroMQ, each with its spread.
source "$(dirname "$0")/common.sh"
"$apus" bench cartpole
"$apus" bench wire
