# The recipes for gdb and valgrind in docs/plugins.md, as a plugin's author types them, on a plugin that `tessera new`
# wrote: gdb stops in the plugin's function while a run is done, valgrind finds a read beyond what was allocated there.
program=$TSR_BUILD/.libs/tessera # not the script around it, which is no program for a debugger
[ -x "$program" ] || program=$TSR_BUILD/tessera
for tool in gdb valgrind; do
    command -v $tool >/dev/null || { echo "skipped: there is no $tool"; exit 77; }
done
if ldd "$program" | grep -qE 'lib[atu]+san|libubsan'; then
    echo "skipped: valgrind does not run what a sanitizer watches"
    exit 77
fi
unset DEBUGINFOD_URLS
umask 022 # plugins that others may write are refused
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export HOME="$folder" LD_LIBRARY_PATH="$TSR_BUILD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
cc=${CC:-cc}
failed=0
fail() {
    echo "$*"
    failed=1
}

# build SOURCE: density.so, as `make CFLAGS="-g -O0"` does where Tessera is installed.
build() {
    # shellcheck disable=SC2086 # a command with options
    $cc -std=gnu17 -g -O0 -Wall -I"$TSR_SOURCE/include" -fPIC -fvisibility=hidden -shared -o density.so "$1" \
        -L"$TSR_BUILD/.libs" -ltessera -lm || exit 1
}

# recipe WORD: the command of the guide that begins so, with the program of this build.
recipe() {
    found=$(sed -n "s/^    \($1 .*\)/\1/p" "$TSR_SOURCE/docs/plugins.md" | head -n 1)
    [ -n "$found" ] || fail "docs/plugins.md has no recipe for $1" >&2
    printf '%s' "$found" | sed "s, tessera , \"\$program\" ,"
}

"$program" new probe density >log 2>&1 || fail "$(cat log)"
cd density || exit 1
build density.c

# The author's commands come after those of the recipe.
stop=$(recipe gdb | sed "s,--args,-ex backtrace -ex 'print codes->n' -ex kill --args,; s,^gdb,gdb -batch,")
eval "$stop" >gdb.log 2>&1 </dev/null
grep -q '^#0 .*mean_distance .*density\.c:' gdb.log || fail "gdb did not stop in the plugin: $(tail -n 20 gdb.log)"
grep -q '= 1437$' gdb.log || fail "gdb did not print the number of codes: $(tail -n 20 gdb.log)"

sed 's/^    double sum = 0;/    double sum = 0, *wrong = malloc(sizeof(double));\n    sum += wrong[1] > 0;\n    free(wrong);/
s/^#include <math.h>/&\n#include <stdlib.h>/' density.c >wrong.c
build wrong.c
eval "$(recipe valgrind)" >valgrind.log 2>&1 </dev/null
grep -A 2 'Invalid read of size 8' valgrind.log | grep -q 'mean_distance (wrong\.c:' ||
    fail "valgrind did not find the read: $(tail -n 20 valgrind.log)"
[ -f results/debug/results.csv ] || fail "valgrind's run left no results: $(tail -n 20 valgrind.log)"
exit $failed
