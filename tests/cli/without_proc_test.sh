# Where /proc is not mounted, as in a bare chroot, the program finds its plugins and gives the same results. For want of
# root and mount namespaces there is no test.
unshare -m true 2>/dev/null || { echo "skipped: no mount namespace can be made"; exit 77; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
unset TESSERA_PLUGIN_PATH OPENBLAS_NUM_THREADS
run="$TSR_BUILD/tessera run $TSR_SOURCE/configs/digits.cfg -q -s training.epochs=1 -s training.snapshots=[]"
HOME=$folder $run -o "$folder/with" || exit 1
# The leak sanitizer, where the program is built with it, cannot do without /proc.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
export ASAN_OPTIONS
# shellcheck disable=SC2016,SC2086 # expanded inside; several words
HOME=$folder unshare -m sh -c 'mount -t tmpfs none /proc || exit 77; exec "$@"' sh $run -o "$folder/without"
status=$?
[ $status -eq 0 ] || { echo "without /proc: exit status $status"; exit $status; }
cmp "$folder/with/results.csv" "$folder/without/results.csv"
