# What bash offers behind each beginning of a command line, as it would call the completion's function.
if [ "$1" != bash ]; then
    command -v bash >/dev/null || { echo "left out: no bash"; exit 77; }
    exec bash "$0" bash
fi
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export HOME=$folder # no plugins of the user
mkdir results configs "a folder"
touch "a b.cfg" other.txt plain.so run.json
cat >study.cfg <<'END'
dataset = { plugin = "digits"; };
model = { plugin = "mlp"; width = 20; };
regularizers = ( { plugin = "l2"; weight = 1e-6; } );
training = { epochs = 2; snapshots = [ 0, 1 ]; };
probes = ( { plugin = "redundancy"; label = "first"; }, { plugin = "knn"; k = 9; } );
sweep = ( { key = "training.optimizer"; values = ( "adam", { plugin = "sgd"; learning_rate = 0.1; } ); } );
END
echo 'model = {' >broken.cfg

# shellcheck disable=SC1091
source "$TSR_SOURCE/completions/tessera"
failed=0

# bash breaks words at "=" as well; a WORD that is "=" stands for that.
complete_line() {
    COMP_WORDS=("$TSR_BUILD/tessera" "$@")
    COMP_CWORD=$#
    COMPREPLY=(left over)
    _tessera
}

# offers "WORD WORD ..." LINE...: exactly these, in any order.
offers() {
    local expected=$1
    shift
    complete_line "$@"
    expected=$(tr ' ' '\n' <<<"$expected" | sort)
    [[ $(printf '%s\n' "${COMPREPLY[@]}" | sort) == "$expected" ]] && return
    printf 'tessera %s: offered [%s], expected [%s]\n' "$*" "${COMPREPLY[*]}" "${expected//$'\n'/ }"
    failed=1
}

# Whether WORD is, or is not, among what is offered.
among() {
    complete_line "${@:2}"
    printf '%s\n' "${COMPREPLY[@]}" | grep -qxF -- "$1" && return
    echo "tessera ${*:2}: offered [${COMPREPLY[*]}], expected $1 among them"
    failed=1
}

not_among() {
    complete_line "${@:2}"
    printf '%s\n' "${COMPREPLY[@]}" | grep -qxF -- "$1" || return
    echo "tessera ${*:2}: offered [${COMPREPLY[*]}], expected no $1"
    failed=1
}

COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
kinds="model dataset activation regularizer optimizer loss schedule augmentation probe executor"

offers "run report results" r
offers "describe" des
offers "--help --version" --
for command in $("$TSR_BUILD/tessera" --help | sed -nE 's/^  ([a-z]+) +[a-z].*/\1/p' | grep -vx tessera); do
    among "$command" ""
    among --help "$command" --
done
offers "--set --output --jobs --shard --fresh --redo-changed --keep --retrain --no-lock --quiet --help" run --
offers "--output --figures --format --width --under --sufficient --within --help" report --
offers "--no-timing" check --no
offers "--output --extract --check --no-lock --help" archive --
among -s run -
among -n check -

offers "$kinds" list ""
offers "probe" list p
among probe/knn describe ""
offers "optimizer/adam" describe optimizer/a
offers "./plain.so" describe ./p
among ./results describe ./

among study.cfg run ""
among run.json run ru
among "a b.cfg" run a
among "a folder" run a
not_among other.txt run ""
not_among study.cfg run study.cfg ""
among study.cfg check -n ""
among study.cfg run -j 2 ""
among study.cfg run --fresh ""
offers "results" report r
not_among study.cfg report ""
among results run study.cfg -o ""
not_among study.cfg run study.cfg -o ""
offers "" run study.cfg -j ""
among plain.so test ""

among model.width= run study.cfg -s ""
among model.activation.plugin= run study.cfg -s m
among probes.1.k= run study.cfg -s probes.1.
among training.epochs= run study.cfg -s ""
among training.schedule.kind= check study.cfg --set training.sch
among training.snapshots= run study.cfg -s training.
among regularizers.0.weight= run study.cfg -s reg
among executor.jobs= run study.cfg -s executor.
among output.save_model= run study.cfg -s output.
among report.accuracy_within= run study.cfg -s rep
among seed= run study.cfg --set = s
not_among model.activation.slope= run study.cfg -s model.activation.
among model.activation.slope= run study.cfg -s model.activation.plugin = leaky_relu -s model.activation.
among probes.0.label= run -s seed = 7 study.cfg -j 2 -s probes.0.
offers "" run broken.cfg -s model.
offers "" run missing.cfg -s model.
offers "" run -s model.

offers "true false" run study.cfg -s model.batch_norm =
offers "true" run study.cfg -s model.batch_norm = t
offers "weights hidden_weights biases all" run study.cfg -s regularizers.0.on =
offers "hidden_weights" run study.cfg -s regularizers.0.on = h
offers "constant cosine" run study.cfg -s training.schedule.kind = co
offers "softmax_cross_entropy" run study.cfg -s training.loss.plugin = s
offers "leaky_relu" run study.cfg -s model.activation.plugin = l
offers "knn kmeans" run study.cfg -s probes.1.plugin = k
offers "digits" run study.cfg -s dataset.plugin = d
offers "" run study.cfg -s model.width =

# Where "=" does not break words, what is offered has the key before it.
COMP_WORDBREAKS=$' \t\n'
offers "model.batch_norm=false" run study.cfg -s model.batch_norm=f
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'

plugin=$(find "$TSR_BUILD/plugins" -name logistic_regression.so | head -n 1)
if [[ $plugin ]]; then
    among C= test "$plugin" -s ""
    offers "multinomial" test "$plugin" -s multi_class = m
fi

# Asking must not start the experiment or leave anything behind.
[[ -z $(ls results) ]] || { echo "completion wrote into results"; failed=1; }
exit $failed
