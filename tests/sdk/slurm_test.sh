# The example of an executor for Slurm, on a cluster of one machine that this test starts in a folder of its own: the
# runs of an array give what they give here; those that it leaves are told; and a job that is only submitted is done.
program=$TSR_BUILD/.libs/tessera # not the script around it: a task starts it with its own environment
[ -x "$program" ] || program=$TSR_BUILD/tessera
for tool in munged slurmctld slurmd sbatch; do
    command -v $tool >/dev/null || { echo "skipped: there is no $tool (Debian: slurm-wlm)"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "skipped: only root can start a cluster"; exit 77; }
umask 022 # plugins that others may write are refused
folder=$(mktemp -d) || exit 1
chmod 755 "$folder"
export SLURM_CONF="$folder/slurm.conf"
stop() {
    scancel --user=root 2>/dev/null
    for daemon in slurmd slurmctld munged; do
        [ -s "$folder/$daemon.pid" ] && kill "$(cat "$folder/$daemon.pid")" 2>/dev/null
    done
    sleep 1
    rm -rf "$folder"
}
trap stop EXIT
cd "$folder" || exit 1
export HOME="$folder" LD_LIBRARY_PATH="$TSR_BUILD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

# start: whether a cluster that answers could be had.
start() {
    mkdir -m 711 munge && mkdir state spool && head -c 1024 /dev/urandom >munge/key && chmod 400 munge/key &&
        munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munged.pid" \
            --log-file="$folder/munge/log" --seed-file="$folder/munge/seed" || return 1
    host=$(hostname -s) port=$((20000 + $$ % 20000))
    cat >slurm.conf <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
    slurmctld && slurmd || return 1
    for _ in $(seq 100); do
        sinfo -h -o %T 2>/dev/null | grep -q idle && return
        sleep 0.2
    done
    return 1
}
start >start.log 2>&1 || { echo "skipped: no cluster could be started: $(tail -n 5 start.log)"; exit 77; }

failed=0
fail() {
    echo "$*"
    failed=1
}

# run STATUS WORD...: tessera with these words, which must end so; what it says is in the file "said".
run() {
    expected=$1
    shift
    "$program" "$@" >said 2>&1 </dev/null
    status=$?
    [ $status = "$expected" ] || fail "exit status $status, expected $expected, of tessera $*: $(tail -n 30 said slurm-*.log)"
}

# says TEXT
says() {
    grep -qF "$1" said || fail "'$1' was not said: $(cat said)"
}

${CC:-cc} -std=gnu17 -Wall -I"$TSR_SOURCE/include" -fPIC -fvisibility=hidden -shared -o slurm.so \
    "$TSR_SOURCE/examples/slurm/slurm.c" -L"$TSR_BUILD/.libs" -ltessera || exit 1
sed 's/"--time=10"/"--time=10", "--comment=it'\''s"/' "$TSR_SOURCE/examples/slurm/slurm.cfg" >slurm.cfg

# What an interrupted command does not say of itself is seen in the queue, which must be empty in the end.
run 0 run slurm.cfg -q -o "by hand" -s executor=local
run 0 run slurm.cfg -q -o "by; slurm" -s executor.look=0.3
cmp "by hand/results.csv" "by; slurm/results.csv" || fail "the cluster's results are others"
grep -q 'slurm.so' "by; slurm/config.cfg" || fail "the tasks have replaced the executor of config.cfg"
[ "$(ls "by; slurm"/slurm-*-*.log | wc -l)" = 6 ] || fail "not a task for each run: $(ls "by; slurm")"
run 0 run slurm.cfg -o "by; slurm"
says "all runs are done already"

# Four tasks for what two runs of six have left.
run 0 run slurm.cfg -q -o four -s executor=local --shard 2/3
run 0 run slurm.cfg -q -o four -s executor.tasks=4 -s executor.look=0.3
cmp "by hand/results.csv" four/results.csv || fail "four tasks give other results"

# Runs that nobody does: the job is taken out of the queue by somebody else.
(
    for _ in $(seq 100); do
        job=$(squeue -h -o %A | head -n 1)
        [ "$job" ] && break
        sleep 0.2
    done
    sleep 1
    scancel "$job"
) &
run 3 run slurm.cfg -q -o left -s executor.look=0.3 -s 'executor.options=["--hold"]'
wait
says "executor slurm did not do 6 of 6 runs"

# While the array is at work, the folder is shared with shards and with nothing else.
"$program" run slurm.cfg -q -o held -s executor.look=0.3 -s 'executor.options=["--hold"]' >held.log 2>&1 &
leader=$!
for _ in $(seq 100); do
    [ "$(squeue -h -o %A)" ] && break
    sleep 0.2
done
run 2 run slurm.cfg -q -o held -s executor=local
says "another tessera is working in this results folder"
kill -TERM $leader # a shell's job in the background ignores SIGINT
wait $leader
[ $? = 130 ] || fail "the interrupted command did not end with status 130: $(cat held.log)"
[ -z "$(squeue -h -o %A)" ] || fail "an interrupted command has left its job"

# Submitted, and done later.
run 0 run slurm.cfg -o later -s executor.wait=false
says "submitted as job "
says "executor slurm has handed on 6 of 6 runs"
for _ in $(seq 200); do
    [ "$(squeue -h -o %A)" ] || break
    sleep 0.3
done
cmp "by hand/results.csv" later/results.csv || fail "a job that was only submitted gives other results: $(tail -n 5 later/*.log)"

run 3 run slurm.cfg -q -o no -s 'executor.options=["--no-such-option"]'
exit $failed
