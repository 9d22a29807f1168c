# Every piece of C in docs/plugins.md compiles against the headers without a warning, and every plugin there, which is
# a piece that begins with its file's name, holds what its kind must hold.
umask 022 # plugins that others may write are refused
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cc=${CC:-cc}
flags="-std=gnu17 -O1 -Wall -Wextra -Werror -I$TSR_SOURCE/include"
failed=0
fail() {
    echo "$*"
    failed=1
}

awk -v folder="$folder" '
    /^```c$/ { piece = folder "/piece" ++n ".c"; next }
    /^```/ { if (piece) close(piece); piece = ""; next }
    piece { print > piece }
' "$TSR_SOURCE/docs/plugins.md"

pieces=0 plugins=0 kinds=
for piece in "$folder"/piece*.c; do
    [ -e "$piece" ] || continue
    pieces=$((pieces + 1))
    name=$(sed -nE '1s,^/\* ([a-z_]+)\.c: .*,\1,p' "$piece")
    if [ -z "$name" ]; then
        # shellcheck disable=SC2086 # a list of flags
        $cc $flags -Wno-unused -fsyntax-only "$piece" || fail "a piece that is no plugin does not compile: $(cat "$piece")"
        continue
    fi
    plugins=$((plugins + 1))
    # shellcheck disable=SC2086
    if ! $cc $flags -fPIC -fvisibility=hidden -shared -o "$folder/$name.so" "$piece" \
        -L"$TSR_BUILD/.libs" -ltessera -lm; then
        fail "$name.c does not compile"
        continue
    fi
    "$TSR_BUILD/tessera" test "$folder/$name.so" --limit 600 >"$folder/$name.tap" 2>&1 ||
        fail "$name: $(grep -A3 '^not ok' "$folder/$name.tap" || cat "$folder/$name.tap")"
    # A model learns: two epochs on the digits do better than chance, one in ten, by far.
    if grep -q TSR_MODEL_PLUGIN "$piece"; then
        "$TSR_BUILD/tessera" run "$TSR_SOURCE/configs/digits.cfg" -q -o "$folder/$name" -s "model={plugin=\"$folder/$name.so\";}" \
            -s training.epochs=2 -s 'training.snapshots=[]' -s 'probes=()' >"$folder/$name.log" 2>&1 || cat "$folder/$name.log"
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "model.accuracy.train") column = i }
                 NR == 2 { accuracy = $column } END { exit !(accuracy > 0.3) }' "$folder/$name/results.csv" ||
            fail "$name learns nothing: $(cat "$folder/$name/results.csv")"
    fi
    # What the diameter is exactly, and by steps of 0.05 that reach from -5 to 4.95.
    if [ "$name" = diameter ]; then
        "$TSR_BUILD/tessera" run "$TSR_SOURCE/configs/digits.cfg" -q -o "$folder/diameters" \
            -s "probes=({plugin=\"$folder/$name.so\";})" -s training.epochs=2 -s 'training.snapshots=[0]' \
            >"$folder/$name.log" 2>&1 || cat "$folder/$name.log"
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
                 NR > 1 { off = $column["diameter.exact"] - $column["diameter.sampled"]
                          wrong += !(off < 0.05 && off > -0.05 && $column["diameter.exact"] > 0.1) }
                 END { exit !(NR == 3 && !wrong) }' "$folder/diameters/results.csv" ||
            fail "$name disagrees with itself: $(cat "$folder/diameters/results.csv")"
    fi
    # A probe that keeps every bit tells what the one that it runs tells.
    if [ "$name" = balanced ]; then
        "$TSR_BUILD/tessera" run "$TSR_SOURCE/configs/digits.cfg" -q -o "$folder/balance" \
            -s "probes=({plugin=\"knn\";},{plugin=\"$folder/$name.so\";least=0.0;})" \
            -s training.epochs=2 -s 'training.snapshots=[]' >"$folder/$name.log" 2>&1 || cat "$folder/$name.log"
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
                 END { exit !($column["balanced.balanced.test"] == $column["knn.test"] && $column["knn.test"] > 0.3) }' \
            "$folder/balance/results.csv" || fail "$name differs from knn: $(cat "$folder/balance/results.csv")"
    fi
    # An autoencoder learns its input: two epochs, the second of which has the smaller loss.
    if [ "$name" = autoencoder ]; then
        "$TSR_BUILD/tessera" run "$TSR_SOURCE/configs/digits.cfg" -q -o "$folder/input" -s "model={plugin=\"$folder/$name.so\";}" \
            -s 'training.loss={plugin="mean_squared_error";target="input";}' -s 'codes.layers=["code.activation0"]' \
            -s training.epochs=2 -s 'training.snapshots=[0]' >"$folder/$name.log" 2>&1 || cat "$folder/$name.log"
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
                 NR == 2 { before = $column["model.loss.test"] }
                 NR == 3 { after = $column["model.loss.test"]; votes = $column["knn.test"] }
                 END { exit !("model.loss.train" in column && !("model.accuracy.test" in column) &&
                              after > 0 && after < 0.5 * before && votes > 0.3) }' "$folder/input/results.csv" ||
            fail "$name does not learn its input: $(cat "$folder/input/results.csv")"
        sed -n 's/.*"loss": \([0-9][0-9.e-]*\).*/\1/p' "$folder/input/runs/"*/run.json >"$folder/losses"
        awk 'NR == 1 { first = $1 } { last = $1 } END { exit !(NR == 2 && last < first) }' "$folder/losses" ||
            fail "the loss of $name does not fall: $(cat "$folder/losses")"
    fi
    kinds="$kinds $(sed -nE '2s/^ok 1 - ([a-z]+) .*/\1/p' "$folder/$name.tap")"
done
echo "$pieces pieces, $plugins of them plugins"
for kind in model dataset activation regularizer optimizer loss schedule augmentation probe executor; do
    case " $kinds " in
    *" $kind "*) ;;
    *) fail "no plugin of the kind $kind" ;;
    esac
done
exit $failed
