# Configs are read and JSON is written by core/config and what stands below it in the list of CONTRIBUTING.md: the
# folders above include neither library, and no header of core/ that does.
folders="core/plugin core/nn core/data core/codes"

cd "$TSR_SOURCE" || exit 1

# includes PATTERN FILE...: the files with an #include that matches.
includes() {
    pattern=$1
    shift
    grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($pattern)[>\"]" "$@"
}

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

failed=0
# shellcheck disable=SC2046,SC2086
for file in $(includes "$pattern" $(find $folders -name '*.[ch]')); do
    echo "$file includes libconfig or jansson, or a header that does:"
    grep -nE "#[[:space:]]*include[[:space:]]*[<\"]($pattern)[>\"]" "$file"
    failed=1
done
exit $failed
