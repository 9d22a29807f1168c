# What the Makefile of a scaffold offers beside `make check`, done as an author does it, with the program of this build
# as if it were installed: `make asan` passes for what `tessera new` wrote and finds a write out of bounds, and `make gdb`
# starts a run in which gdb stops in the plugin.
program=$TSR_BUILD/.libs/tessera # not the script around it, which is no program for a debugger
[ -x "$program" ] || program=$TSR_BUILD/tessera
if ldd "$program" | grep -qE 'lib[atu]+san|libubsan'; then
    echo "skipped: the program is under a sanitizer itself"
    exit 77
fi
umask 022 # plugins that others may write are refused
unset DEBUGINFOD_URLS MAKEFLAGS MFLAGS MAKELEVEL CFLAGS LDFLAGS LIBS
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" && ln -s "$program" "$folder/bin/tessera" && cd "$folder" || exit 1
sed -e "s,^bindir=.*,bindir=$folder/bin," -e "s,^libdir=.*,libdir=$TSR_BUILD/.libs," \
    -e "s,^includedir=.*,includedir=$TSR_SOURCE/include," "$TSR_BUILD/tessera.pc" >tessera.pc
export PKG_CONFIG_PATH="$folder" HOME="$folder" LD_LIBRARY_PATH="$TSR_BUILD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
cc=${CC:-gcc}
failed=0
fail() {
    echo "$*"
    failed=1
}
# in_scaffold TARGET...: make with this build's compiler, where the scaffold is.
in_scaffold() {
    make CC="$cc" PKG_CONFIG="${PKG_CONFIG:-pkg-config}" "$@"
}

# Whether the compiler has the sanitizers that the target preloads.
has_sanitizers() {
    for library in libasan.so libubsan.so; do
        [ -e "$($cc -print-file-name=$library)" ] || return 1
    done
}

if has_sanitizers; then
    for kind in probe activation optimizer model; do
        "$program" new $kind own_$kind >log 2>&1 || fail "$(cat log)"
        (cd own_$kind && in_scaffold asan) >log 2>&1 || fail "make asan of a new $kind: $(tail -n 30 log)"
        grep -q "^ok .* $kind own_$kind: " log || fail "make asan of a new $kind checks nothing: $(tail -n 30 log)"
        grep "^not ok" log && failed=1
    done
    sed -i 's/^    double sum = 0;/    double sum = 0, *volatile wrong = malloc(sizeof(double));\n    wrong[1] = sum;\n    free(wrong);/
s/^#include <math.h>/&\n#include <stdlib.h>/' own_probe/own_probe.c
    (cd own_probe && in_scaffold asan) >log 2>&1 && fail "make asan passes for a write out of bounds"
    for line in 'AddressSanitizer: heap-buffer-overflow' 'WRITE of size 8' '#0 .* in mean_distance .*own_probe\.c:'; do
        grep -q "$line" log || fail "make asan does not tell of the write: $(tail -n 60 log)"
    done
else
    echo "left out: $cc has no libasan and libubsan to be preloaded"
fi

"$program" new probe density >log 2>&1 || fail "$(cat log)"
(cd density && in_scaffold && "$program" run density.cfg --in-process -q --fresh -o results/debug) >log 2>&1 || fail "$(cat log)"
grep 'warning' log && fail "a run in one process warns of what it does itself"

if command -v gdb >/dev/null; then
    cd density || exit 1
    { in_scaffold clean && in_scaffold CFLAGS="-g -O0"; } >../log 2>&1 || fail "$(cat ../log)"
    printf '%s\n' 'set confirm off' 'set pagination off' 'set width 0' 'set breakpoint pending on' 'break mean_distance' 'run' 'backtrace' \
        'info proc cmdline' 'delete' 'continue' 'quit' | in_scaffold gdb >../log 2>&1 || fail "make gdb: $(tail -n 30 ../log)"
    grep -q '#0 .*mean_distance .*density\.c:' ../log || fail "gdb does not stop in the plugin: $(tail -n 30 ../log)"
    grep -q "cmdline = '.*run density.cfg --in-process --fresh -o results/debug'" ../log ||
        fail "gdb does not run what the Makefile says: $(tail -n 30 ../log)"
    [ -f results/debug/results.csv ] || fail "the run in gdb left no results: $(tail -n 30 ../log)"
    in_scaffold clean >../log 2>&1 || fail "make clean: $(cat ../log)"
    [ "$(echo *)" = "Makefile density.c density.cfg" ] || fail "make clean leaves $(echo *)"
else
    echo "left out: there is no gdb"
fi
exit $failed
