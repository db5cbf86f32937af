#!/bin/sh
# Builds apus-actor as one file that needs nothing on another host but the C library and libgcc: .build/release/apus-actor-portable.
#
# Debian's -dev packages bring static archives of libzmq, libsodium, libprotobuf-c and OpenBLAS. libbox2d has none: it is compiled from
# Debian's source package (45 small files), or stays shared where that cannot be fetched, and the script says so.
set -eu
cd "$(dirname "$0")/.."
jobs=${1:-2}
out=.build/portable
archives=$PWD/$out/archives
mkdir -p "$archives"
toolchain=$(dirname "$(swift -print-target-info | sed -n 's/.*"runtimeResourcePath" *: *"\(.*\)".*/\1/p')")/../bin
compiler="$toolchain/clang"
[ -x "$compiler" ] || compiler=$(command -v clang || command -v cc)

# Where the linker looks first there are only archives, so these are taken before the shared libraries of the same name.
find_archive() { "$compiler" -print-file-name="$1"; }
for name in libzmq.a libsodium.a libprotobuf-c.a libopenblas.a libstdc++.a libquadmath.a; do
    found=$(find_archive "$name")
    if [ "$found" != "$name" ]; then ln -sf "$(readlink -f "$found")" "$archives/$name"; fi
done

box2d() {
    [ -f "$archives/libbox2d.a" ] && return 0
    version=$(dpkg-query -W -f '${source:Upstream-Version}' libbox2d-dev 2>/dev/null) || return 1
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    # A list of sources of its own: nothing of this machine's apt is changed.
    mkdir -p "$work/lists/partial" "$work/parts"
    . /etc/os-release
    echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $VERSION_CODENAME main" >"$work/list"
    options="-qq -o Dir::Etc::sourcelist=$work/list -o Dir::Etc::sourceparts=$work/parts -o Dir::State::lists=$work/lists -o APT::Sandbox::User=root"
    # shellcheck disable=SC2086  # a list of words
    (cd "$work" && apt-get $options update && apt-get $options -d source box2d && tar xf "box2d_$version.orig.tar.gz") >"$work/log" 2>&1 || {
        tail -n 3 "$work/log" >&2
        return 1
    }
    source=$(echo "$work"/box2d-*/)
    mkdir "$work/objects"
    find "$source/src" -name '*.cpp' >"$work/files"
    (cd "$work/objects" && xargs -P "$jobs" -n 4 "$compiler" --driver-mode=g++ -O2 -DNDEBUG -fPIC -I"$source/include" -I"$source/src" -c <"$work/files") || return 1
    ar rcs "$archives/libbox2d.a" "$work"/objects/*.o
}
box2d || echo "warning: libbox2d could not be compiled from source; other hosts need: apt-get install libbox2d2" >&2

# Debian's libzmq can also speak norm, pgm and GSSAPI, which Apus never does: their functions are here and end the program.
{
    echo '#include <stdlib.h>'
    echo '#include <string.h>'
    nm -u "$archives/libzmq.a" 2>/dev/null | awk '$2 ~ /^(Norm|gss_|pgm_)/ { print $2 }' | sort -u | while read -r name; do
        case $name in
        pgm_init | pgm_shutdown) echo "int $name(void) { return 1; }" ;;
        *) echo "void $name(void) { abort(); }" ;;
        esac
    done
    nm -u "$archives/libzmq.a" 2>/dev/null | awk '$2 ~ /^(NORM_|GSS_C_)/ { print $2 }' | sort -u | while read -r name; do
        echo "const void *$name;"
    done
    echo '__attribute__((weak)) size_t strlcpy(char *to, const char *from, size_t size) {'
    echo '    size_t length = strlen(from);'
    echo '    if (size > 0) { size_t n = length < size ? length : size - 1; memcpy(to, from, n); to[n] = 0; }'
    echo '    return length;'
    echo '}'
} >"$out/unused.c"
"$compiler" -O2 -fPIC -c "$out/unused.c" -o "$out/unused.o"

# SwiftPM puts first the folders that pkg-config names.
mkdir -p "$out/pkgconfig"
for name in openblas libprotobuf-c; do
    {
        echo "Name: $name"
        echo "Description: $name as an archive"
        echo "Version: $(pkg-config --modversion $name)"
        echo "Cflags: $(pkg-config --cflags $name)"
        echo "Libs: -L$archives -l${name#lib}"
    } >"$out/pkgconfig/$name.pc"
done

PKG_CONFIG_PATH=$PWD/$out/pkgconfig swift build -c release -j "$jobs" --product apus-actor --scratch-path "$out/build" --static-swift-stdlib \
    -Xswiftc "-L$archives" -Xlinker "$PWD/$out/unused.o" -Xlinker -lsodium -Xlinker -lquadmath -Xlinker --gc-sections -Xlinker -s
mkdir -p .build/release
cp "$out/build/release/apus-actor" .build/release/.apus-actor-portable
mv .build/release/.apus-actor-portable .build/release/apus-actor-portable

echo "built .build/release/apus-actor-portable, $(($(stat -c %s .build/release/apus-actor-portable) >> 20)) MB; it needs:"
objdump -p .build/release/apus-actor-portable | awk '$1 == "NEEDED" { print "  " $2 }'
objdump -T .build/release/apus-actor-portable | grep -o 'GLIBC_2[0-9.]*' | sort -Vu | tail -n 1 | sed 's/^/  /'
