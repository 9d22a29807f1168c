# Where /proc is not mounted, as in a bare chroot, the program finds its plugins and gives the same results. For want of
# root and mount namespaces, and under sanitizers, there is no test.
unshare -m true 2>/dev/null || { echo "skipped: no mount namespace can be made"; exit 77; }
program=$TSR_BUILD/.libs/tessera
[ -x "$program" ] || program=$TSR_BUILD/tessera
if ldd "$program" | grep -qE 'lib[atu]+san|libubsan'; then
    echo "skipped: sanitizers read their options and look for leaks in /proc"
    exit 77
fi
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
unset TESSERA_PLUGIN_PATH OPENBLAS_NUM_THREADS
run="$TSR_BUILD/tessera run $TSR_SOURCE/configs/digits.cfg -q -s training.epochs=1 -s training.snapshots=[]"
HOME=$folder $run -o "$folder/with" || exit 1
# shellcheck disable=SC2016,SC2086 # expanded inside; several words
HOME=$folder unshare -m sh -c 'mount -t tmpfs none /proc || exit 77; exec "$@"' sh $run -o "$folder/without"
status=$?
[ $status -eq 0 ] || { echo "without /proc: exit status $status"; exit $status; }
cmp "$folder/with/results.csv" "$folder/without/results.csv"
