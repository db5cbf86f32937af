#!/bin/sh
# Makes sure that Swift and the system libraries are there: installs the missing libraries (Debian, Ubuntu), or says what to do.
set -eu

if ! command -v swift >/dev/null; then
    echo "error: Swift is missing; install Swift 6 from https://www.swift.org/install and put its folder usr/bin into PATH" >&2
    exit 1
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Swift brings a C compiler.
compiler=$(command -v clang || echo "$(dirname "$(readlink -f "$(command -v swift)")")/clang")

# Whether a program with these headers compiles and links: the libraries may come from anywhere.
links() {
    library=$1
    shift
    for header in "$@"; do echo "#include <$header>"; done >"$scratch/try.c"
    echo "int main(void) { return 0; }" >>"$scratch/try.c"
    "$compiler" "$scratch/try.c" "-l$library" -o "$scratch/try" 2>/dev/null
}

# The same for a header of C++.
links_cxx() {
    echo "#include <$2>" >"$scratch/try.cpp"
    echo "int main() { return 0; }" >>"$scratch/try.cpp"
    "$compiler" --driver-mode=g++ "$scratch/try.cpp" "-l$1" -o "$scratch/try" 2>/dev/null
}

missing=""
links zmq zmq.h && links sodium sodium.h || missing="$missing libzmq3-dev"
links protobuf-c protobuf-c/protobuf-c.h || missing="$missing libprotobuf-c-dev"
links openblas cblas.h openblas_config.h || missing="$missing libopenblas-dev"
links sqlite3 sqlite3.h || missing="$missing libsqlite3-dev"
links_cxx box2d box2d/box2d.h || missing="$missing libbox2d-dev"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "error: libraries are missing; install what your system calls$missing (Debian's names)" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "error: libraries are missing, and installing them needs root; run: sudo apt-get update && sudo apt-get install -y$missing" >&2
    exit 1
fi
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of words
apt-get install -y --no-install-recommends $missing >"$scratch/log" 2>&1 ||
    { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$scratch/log" 2>&1 || {
    cat "$scratch/log" >&2
    echo "error: could not install$missing; see the lines above" >&2
    exit 1
}
