#!/bin/sh
# The binary interface is the one of the last release: every public function, variable and structure of the headers
# is compared by abidiff with the description stored beside this file. Where it was changed on purpose - before a
# release, or with a new minor in include/tessera/base.h - "make abi" writes the description anew.
#
#     abi_test.sh [FILE]      with FILE: writes the description there instead
set -eu
here=$TSR_SOURCE/tests/sdk
stored=$here/tessera-1.abi

skip() {
    echo "skipped: $*"
    exit 77
}

[ "$(uname -m)" = x86_64 ] || skip "the stored description is for x86-64"
command -v abidw >/dev/null || skip "no abidw: install abigail-tools"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# A function for each type, function and variable, so that the description holds these and nothing else.
include="-I$TSR_SOURCE/include"
echo '#include <tessera/tessera.h>' >"$folder/interface.c"
$CC "$include" -E -P "$folder/interface.c" | awk -f "$here/declared.awk" | sort -u >"$folder/names"
[ "$(grep -c '^function' "$folder/names")" -gt 50 ] || { echo "hardly any function was found"; exit 1; }
awk '{ printf "void interface_%s(%s *x);\nvoid interface_%s(%s *x)\n{\n    (void)x;\n}\n", $2,
       $1 == "type" ? $2 : "__typeof__(" $2 ")", $2, $1 == "type" ? $2 : "__typeof__(" $2 ")" }' \
    "$folder/names" >>"$folder/interface.c"
(cd "$folder" && $CC -std=gnu17 "$include" -g -gdwarf-4 -O0 -shared -fPIC -o interface.so interface.c)
abidw --no-corpus-path --no-comp-dir-path --no-show-locs --drop-undefined-syms --exported-interfaces-only \
    --out-file "$folder/interface.abi" "$folder/interface.so"
if [ $# -gt 0 ]; then
    mv "$folder/interface.abi" "$1"
    exit
fi
if ! abidiff --no-added-syms --harmless "$stored" "$folder/interface.abi"; then
    echo "the binary interface is not the stored one; if that is meant: make abi"
    exit 1
fi
