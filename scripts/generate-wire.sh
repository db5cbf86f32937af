#!/bin/sh
# Regenerates the committed protobuf-c code from proto/. With --check, fails if the committed code is not current.
set -eu
cd "$(dirname "$0")/.."
command -v protoc-c >/dev/null || { echo "error: protoc-c is missing; install it with: apt-get install protobuf-c-compiler" >&2; exit 1; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
protoc-c --proto_path=proto --c_out="$out" proto/*.proto
if [ "${1:-}" = "--check" ]; then
    for file in "$out"/*.pb-c.c; do cmp "$file" "Sources/CWire/$(basename "$file")"; done
    for file in "$out"/*.pb-c.h; do cmp "$file" "Sources/CWire/include/$(basename "$file")"; done
else
    mv "$out"/*.pb-c.c Sources/CWire/
    mv "$out"/*.pb-c.h Sources/CWire/include/
fi
