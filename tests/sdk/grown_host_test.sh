#!/bin/sh
# Plugins and a program of today in a host whose structures have all grown (tests/sdk/tessera, from headers that
# tests/sdk/grow.awk makes) compute what they compute in today's, and what they hand over is not read beyond its end.
# The grown host is not optimised, so numbers differ in their last digits, more so after training.
set -eu
umask 022
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
failed=0

"$CC" -std=gnu17 -O2 -Wall -Wextra -Werror -fvisibility=hidden -I"$TSR_SOURCE/include" -fPIC -shared -o every_size.so \
    "$TSR_SOURCE/tests/sdk/every_size.c" -L"$TSR_BUILD/.libs" -ltessera

cat >sizes.cfg <<'END'
dataset = { plugin = "digits"; };
model = { plugin = "./every_size.so:every_size"; };
regularizers = ( { plugin = "l2"; weight = 1e-4; } );
training = { epochs = 2; batch = 32; snapshots = [ 0 ]; optimizer = { plugin = "sgd"; learning_rate = 0.05; };
             augment = ( { plugin = "shift"; } ); schedule = { kind = "cosine"; }; };
probes = ( { plugin = "./every_size.so:tells_sizes"; }, { plugin = "regions"; }, { plugin = "redundancy"; } );
output = { save_model = true; };
seed = 1;
END
cp "$TSR_SOURCE/configs/sequential.cfg" "$TSR_SOURCE/configs/autoencoder.cfg" .

# compare ROW CONFIG TOLERANCE: the numbers of that row are the same but for a share of them.
compare() {
    sed -n "$1p" "$2-grown/results.csv" | awk -F , -v other="$(sed -n "$1p" "$2/results.csv")" -v tolerance="$3" '
        BEGIN { n = split(other, expected, ",") }
        { for (i = 2; i <= n; i++)
              if (($i - expected[i]) ^ 2 > tolerance ^ 2 * (expected[i] ^ 2 + 0.1)) {
                  print "column " i ": " $i ", expected about " expected[i]; wrong = 1 } }
        END { exit wrong || n < 5 || NR != 1 }' || { echo "$2.cfg, row $1: the grown host gives others"; failed=1; }
}

for config in sizes sequential autoencoder; do
    for host in "$TSR_BUILD/tessera" "$TSR_BUILD/tests/sdk/tessera"; do
        results=$config$([ "$host" = "$TSR_BUILD/tessera" ] || echo -grown)
        "$host" run "$config.cfg" -q -o "$results" -s training.epochs=2 -s 'training.snapshots=[0]' >out 2>&1 ||
            { cat out; echo "$host $config.cfg failed"; exit 1; }
    done
    head -n 1 "$config/results.csv" | cmp - "$config-grown/results.csv" -n "$(head -n 1 "$config/results.csv" | wc -c)" ||
        failed=1
    compare 2 "$config" 1e-6
    compare 3 "$config" 0.15
done

"$TSR_BUILD/tests/sdk/tessera" test every_size.so >out 2>&1 || { cat out; failed=1; }

LD_LIBRARY_PATH=$TSR_BUILD/.libs "$TSR_BUILD/tests/sdk/.libs/every_size_host" >expected
LD_LIBRARY_PATH=$TSR_BUILD/tests/sdk/.libs "$TSR_BUILD/tests/sdk/.libs/every_size_host" >given
{ grep -q "^knn.test = " given && cmp expected given; } || { cat expected given; failed=1; }
exit $failed
