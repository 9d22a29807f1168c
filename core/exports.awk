# The linker's version script, from the public headers. What they mark TSR_API has the version node that brought
# it; whatever else is tsr_* serves this program and its tests alone, under a node of this very version.
#
#     awk -v abi=1 -v version=0.1.0 -f exports.awk include/tessera/*.h
BEGIN {
    print "# Made by exports.awk from the public headers."
    printf "TESSERA_%s.0 {\nglobal:\n", abi
}
/^TSR_API / { declaration = ""; reading = 1 }
reading {
    declaration = declaration " " $0
    if ($0 ~ /;/) {
        reading = 0
        # A function's name stands before the first parenthesis, a variable's before the semicolon.
        sub(/ *[(;[].*/, "", declaration)
        sub(/.*[ *]/, "", declaration)
        print "    " declaration ";"
    }
}
END { printf "};\nTESSERA_PRIVATE_%s {\nglobal:\n    tsr_*;\nlocal:\n    *;\n};\n", version }
