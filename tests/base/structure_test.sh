# How core/ is built. A folder includes only those before it in the list of CONTRIBUTING.md, no header itself by way of
# others, and neither libconfig nor jansson where plugins, networks, data and codes are. No file is too long.
cd "$TSR_SOURCE" || exit 1
without_libraries="core/plugin core/nn core/data core/codes"
failed=0

# includes PATTERN FILE...: the files with an #include that matches.
includes() {
    pattern=$1
    shift
    grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($pattern)[>\"]" "$@"
}

# pairs FILE...: a line "FILE INCLUDED" for each header of core/ that a file includes.
pairs() {
    grep -HE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[a-z_]+/' "$@" |
        sed -E 's#^core/([^:]*):[^"]*"([^"]*)".*#\1 \2#'
}

# The folders in the order of the list.
order=$(sed -n 's#^    core/\([a-z]*\)/ .*#\1#p' CONTRIBUTING.md)
for folder in $(ls core); do
    [ ! -d "core/$folder" ] || echo "$order" | grep -qx "$folder" ||
        { echo "CONTRIBUTING.md does not list core/$folder/"; failed=1; }
done
# shellcheck disable=SC2046
pairs $(find core -name '*.[ch]') | awk -v order="$(echo "$order" | tr '\n' ' ')" '
    BEGIN { n = split(order, names, " "); for (i = 1; i <= n; i++) rank[names[i]] = i }
    { split($1, from, "/"); split($2, to, "/") }
    (to[1] in rank) && rank[to[1]] > rank[from[1]] {
        print "core/" $1 " includes " $2 ", and CONTRIBUTING.md lists core/" to[1] "/ below core/" from[1] "/"; bad = 1
    }
    { n_pairs++ }
    END { if (n_pairs < 100) { print "found only " n_pairs " includes; is this test still right?"; bad = 1 }; exit bad }
' || failed=1

# shellcheck disable=SC2046
circles=$(pairs $(find core -name '*.h') | tsort 2>&1 >/dev/null)
if [ -n "$circles" ]; then
    echo "headers include each other:"
    echo "$circles"
    failed=1
fi

# The libraries' headers, then those of core/ that lead to them, until there are no more.
headers=$(find core -name '*.h')
pattern='libconfig\.h|jansson\.h'
while :; do
    # shellcheck disable=SC2086
    found=$(includes "$pattern" $headers | sed 's#^core/##; s#\.#\\.#g' | sort | tr '\n' '|')
    next="libconfig\\.h|jansson\\.h|${found%|}"
    [ "$next" = "$pattern" ] && break
    pattern=$next
done
case $pattern in
*config/json*) ;;
*) echo "found no header of core/ that includes a library; is this test still right?" && exit 1 ;;
esac
# shellcheck disable=SC2046,SC2086
for file in $(includes "$pattern" $(find $without_libraries -name '*.[ch]')); do
    echo "$file includes libconfig or jansson, or a header that does:"
    grep -nE "#[[:space:]]*include[[:space:]]*[<\"]($pattern)[>\"]" "$file"
    failed=1
done

# A file that has outgrown itself is to be taken apart.
for file in $(find core -name '*.[ch]' ! -name templates.h); do # that one is made
    lines=$(wc -l <"$file")
    [ "$lines" -le 450 ] || { echo "$file has $lines lines, more than 450"; failed=1; }
done
exit $failed
