# CONTRIBUTING.md lists the tests that may be skipped: those that end with status 77 somewhere, and Python's, whose
# wrapper does. The list is there alone.
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$TSR_SOURCE" || exit 1
failed=0

# Scripts without an ending are tests too; what a test starts in another file is that test's.
{
    grep -lE '(exit|Exit\()[ (]*77' tests/*/*_test.sh tests/*/*_test 2>/dev/null | while read -r file; do
        head -c 2 "$file" | grep -q '^#' && echo "$file"
    done
    sed -n '/^EXTRA_DIST/d; s,^.*[[:space:]]\(tests/[a-z]*/[a-z_]*\.py\).*,\1,p' tests/*/local.am
    grep -ho 'tests/[a-z]*/[a-z_]*\.py' tests/host/local.am
} | sort -u >"$folder/may"
sed -n '/^`.\/bootstrap check` runs/,/^`\.ci\/run`/s,^| \(`tests/[^|]*\) |.*,\1,p' CONTRIBUTING.md | grep -o 'tests/[^`]*' |
    sort >"$folder/listed"
[ "$(wc -l <"$folder/may")" -gt 8 ] || { echo "hardly any test was found"; failed=1; }
diff "$folder/may" "$folder/listed" || { echo "tests that may be skipped (<), and those that CONTRIBUTING.md lists (>)"; failed=1; }
sed 's,.*/,,' "$folder/listed" | grep -nFf - README.md && { echo "README.md has a list of its own"; failed=1; }
exit $failed
