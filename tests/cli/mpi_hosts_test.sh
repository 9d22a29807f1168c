# The executor mpi over two hosts: network namespaces of this machine that a cable joins, each with a name of its own.
# A script that enters the namespace stands for ssh. Both hosts do runs, and the results are those of one process.
skip() {
    echo "skipped: $*"
    exit 77
}
program=$TSR_BUILD/.libs/tessera # not the script around it: ranks start it with their own environment
[ -x "$program" ] || program=$TSR_BUILD/tessera
for tool in ip unshare mpirun; do
    command -v $tool >/dev/null || skip "there is no $tool"
done
[ "$(id -u)" = 0 ] || skip "only root can make hosts"
unshare --net --uts true 2>/dev/null || skip "no namespaces can be made"
umask 022 # plugins that others may write are refused
folder=$(mktemp -d) || exit 1
one=tessera$$a two=tessera$$b
stop() {
    ip netns del $one 2>/dev/null
    ip netns del $two 2>/dev/null
    rm -rf "$folder"
}
trap stop EXIT
trap "exit 1" INT TERM
cd "$folder" || exit 1
export HOME="$folder" LD_LIBRARY_PATH="$TSR_BUILD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export ASAN_OPTIONS=detect_leaks=0 # Open MPI's own are not ours to report

join() {
    ip netns add $one && ip netns add $two && ip -n $one link set lo up && ip -n $two link set lo up &&
        ip -n $one link add cable type veth peer name cable netns $two &&
        ip -n $one addr add 10.97.0.1/24 dev cable && ip -n $one link set cable up &&
        ip -n $two addr add 10.97.0.2/24 dev cable && ip -n $two link set cable up
}
join >join.log 2>&1 || skip "two hosts cannot be joined: $(cat join.log)"

cat >agent <<'END'
#!/bin/sh
# HOST WORD...: a shell on the host does what the words say, as ssh has it. What the second writes has another mode,
# which tells whose runs are whose.
host=$1
shift
case $host in *b) umask 027 ;; esac
exec ip netns exec "$host" unshare --uts sh -c "hostname $host && $*"
END
chmod +x agent

# over WORD...: a job of four ranks, two on each host, started on the first.
over() {
    timeout 200 ./agent $one "cd '$folder' && mpirun --allow-run-as-root --oversubscribe --host $one:2,$two:2 \
        --mca plm_rsh_agent '$folder/agent' --mca oob_tcp_if_include 10.97.0.0/24 \
        --mca btl_tcp_if_include 10.97.0.0/24 -x LD_LIBRARY_PATH -x TESSERA_PLUGIN_PATH -x OPENBLAS_NUM_THREADS \
        -x ASAN_OPTIONS $*" </dev/null
}
over hostname >hosts 2>over.log || skip "mpirun does not reach a second host: $(tail -n 20 over.log)"
[ "$(sort hosts | tr '\n' ' ')" = "$one $one $two $two " ] || { echo "ranks were not on two hosts: $(cat hosts)"; exit 1; }

cat >study.cfg <<'END'
seed = 1;
replicates = 4;
dataset = { plugin = "digits"; };
model = { plugin = "mlp"; };
training = { epochs = 3; };
probes = ( { plugin = "redundancy"; }, { plugin = "knn"; k = 9; } );
sweep = ( { key = "model.width"; values = [ 8, 16, 32 ]; } );
END
"$program" run study.cfg -q -o alone >alone.log 2>&1 || { cat alone.log; exit 1; }
over "'$program'" run study.cfg -q -o together -s executor.plugin=mpi >together.log 2>&1 ||
    { echo "the job failed: $(tail -n 20 together.log)"; exit 1; }
failed=0
cmp alone/results.csv together/results.csv || failed=1
for mode in 644 640; do
    [ "$(find together/runs -name run.json -perm $mode | wc -l)" -gt 0 ] ||
        { echo "one host did no run: $(ls -l together/runs/*/run.json)"; failed=1; }
done
"$program" run study.cfg -o together 2>&1 | grep -q "all runs are done already" || { echo "runs are left"; failed=1; }
exit $failed
