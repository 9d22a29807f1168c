# The executor slurm. Against programs that only speak as Slurm's do: what is refused, and what the accounts tell. On a
# cluster of one machine that this test starts in a folder of its own: the runs of an array give what they give here;
# a task that is killed is told and its run done later, one that is requeued does its run, ctrl-C takes the job back.
program=$TSR_BUILD/.libs/tessera # not the script around it: a task starts it with its own environment
[ -x "$program" ] || program=$TSR_BUILD/tessera
umask 022 # plugins that others may write are refused
folder=$(mktemp -d) || exit 1
chmod 755 "$folder"
export SLURM_CONF="$folder/slurm.conf"
stop() {
    [ -s "$folder/slurmctld.pid" ] && scancel --user=root 2>/dev/null
    for daemon in slurmd slurmctld munged; do
        [ -s "$folder/$daemon.pid" ] && kill "$(cat "$folder/$daemon.pid")" 2>/dev/null
    done
    sleep 1
    rm -rf "$folder"
}
trap stop EXIT
trap "exit 1" INT TERM
cd "$folder" || exit 1
export HOME="$folder" LD_LIBRARY_PATH="$TSR_BUILD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

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
    [ $status = "$expected" ] || fail "exit status $status, expected $expected, of tessera $*: $(tail -n 30 said)"
}

# says TEXT
says() {
    grep -qF -e "$1" said || fail "'$1' was not said: $(cat said)"
}

# skip WORDS: what has failed before has failed.
skip() {
    [ $failed = 0 ] || exit 1
    echo "skipped: $*"
    exit 77
}

# same FILE: the results that the runs give without a cluster.
same() {
    cmp "by hand/results.csv" "$1/results.csv" || fail "$1: other results"
}

cat >study.cfg <<END
plugin_path = [ "$TSR_BUILD/tests/cli/fixtures" ];
seed = 1;
dataset = { plugin = "digits"; };
model = { plugin = "mlp"; width = 8; };
training = { epochs = 2; };
probes = ( { plugin = "redundancy"; }, { plugin = "misbehaves"; at = 2; } );
sweep = ( { key = "probes.1.number"; values = [ 0, 1, 2, 3, 4, 5 ]; } );
executor = { plugin = "slurm"; look = 0.3; grace = 1.0; };
END
run 0 run study.cfg -q -o "by hand" -s executor=local

# --- without a cluster ---

(PATH=/nowhere run 3 run study.cfg -q -o none && exit $failed) || failed=1
says "there is no Slurm here"
[ -z "$(ls none/runs 2>/dev/null)" ] || fail "runs were begun without sbatch: $(ls none/runs)"

for refused in 'time="soon"' 'time="1:2:3:4"' 'memory="4 GB"' 'memory="lots"' 'options=["script.sh"]' \
    'options=["--array=3"]' 'options=["--arr=3"]' 'options=["--w"]' 'options=["-HW"]' 'options=["--usage"]' 'options=["-D/tmp"]' 'options=["--wait"]' 'partition="a b"'; do
    sed "s,grace = 1.0,$refused," study.cfg >refused.cfg
    run 2 check refused.cfg
    says "refused.cfg:8: executor slurm"
    says "${refused%%=*}"
done
run 0 check study.cfg -s 'executor.time="1-12"' -s 'executor.memory="4G"' \
    -s 'executor.options=["--wait-all-nodes=1", "-HJW", "--output=/dev/null"]'

# Programs that speak as Slurm's: the array has been forgotten by the queue, and the accounts know what became of it.
mkdir speaks
cat >speaks/sbatch <<'END'
#!/bin/sh
[ "$1" = --version ] && exit
echo "sbatch: warning: a quiet day"
echo 7
for word; do echo "$word"; done >"$HOME/words"
END
cat >speaks/scontrol <<'END'
#!/bin/sh
echo "MaxArraySize            = 3"
END
cat >speaks/squeue <<'END'
#!/bin/sh
echo "slurm_load_jobs error: Invalid job id specified" >&2
exit 1
END
cat >speaks/sacct <<'END'
#!/bin/sh
echo '7_0|CANCELLED by 1000|None assigned'
echo '7_1|TIMEOUT|node1'
echo '7_2|COMPLETED|node2'
END
chmod +x speaks/*
usual=$PATH
PATH="$folder/speaks:$PATH"
run 3 run study.cfg -q -o spoken -j 2 -s executor.cpus=2 -s 'executor.memory="1G"' -s 'executor.time="10"' \
    -s 'executor.partition="small"' -s 'executor.options=["--comment=it'\''s; here"]'
PATH=$usual
says "task 1 of Slurm job 7 on node1 ended as TIMEOUT and left no outcome"
says "task 2 of Slurm job 7 on node2 ended as COMPLETED and left no outcome; does that machine see this results folder?"
says "executor slurm did not do 2 of 6 runs"
[ "$(grep -c 'ended as' said)" = 4 ] || fail "not two runs for each of two tasks: $(cat said)"
for word in --array=0-2%2 --cpus-per-task=2 --mem=1G --time=10 --partition=small "--comment=it's; here" \
    "--chdir=$folder/spoken"; do
    grep -qxF -e "$word" words || fail "sbatch did not get $word: $(cat words)"
done
grep -q -e '^--wrap=exec .*/3 -j 1 -s executor.threads=2$' words || fail "another script: $(cat words)"
PATH="$folder/speaks:$PATH"
run 0 test executor/slurm -s wait=false
PATH=$usual

# A queue in which tasks of a cancelled job stay is left after a while, and told. That takes 20 seconds; others meanwhile.
cp -r speaks stays
cat >stays/squeue <<'END'
#!/bin/sh
echo "0|RUNNING|node1"
echo "1|COMPLETING|node2"
echo "2|TIMEOUT|node3"
: >"$HOME/looked"
END
printf '#!/bin/sh\n' >stays/scancel
chmod +x stays/scancel
PATH="$folder/stays:$usual" "$program" run study.cfg -q -o stayed >stayed.log 2>&1 </dev/null &
staying=$!

# One that cannot be read now and then is read later; one that can never be read is given up, and its job named.
cp -r speaks stutters
cat >stutters/squeue <<'END'
#!/bin/sh
echo x >>"$HOME/looks"
[ "$(wc -l <"$HOME/looks")" -gt 3 ] || { echo "squeue: error: Socket timed out" >&2; exit 1; }
echo "slurm_load_jobs error: Invalid job id specified" >&2
exit 1
END
cp -r speaks fails
cat >fails/squeue <<'END'
#!/bin/sh
echo "slurm_load_jobs error: Unable to contact slurm controller" >&2
exit 1
END
PATH="$folder/stutters:$usual"
run 3 run study.cfg -q -o stuttered -s executor.look=0.1
says "Slurm's queue cannot be read, it is tried again: squeue fails: squeue: error: Socket timed out"
says "executor slurm did not do 2 of 6 runs"
PATH="$folder/fails:$usual"
run 3 run study.cfg -q -o blind -s executor.look=0.1
says "executor slurm: Slurm's queue could not be read 30 times, and job 7 is no longer waited for"
says "squeue fails: slurm_load_jobs error: Unable to contact slurm controller"
[ "$(grep -c "is tried again" said)" = 1 ] || fail "an outage is not told once: $(cat said)"

# Where all runs are done, nothing is missing when the queue cannot be read; and runs count that end very late.
cat >works <<'END'
#!/bin/sh
for task in 0 1 2; do
    SLURM_ARRAY_TASK_ID=$task sh -c "$(sed -n 's/^--wrap=//p' "$HOME/words")"
done >/dev/null 2>&1
END
chmod +x works
cp -r fails unread
cp -r speaks late
{ cat speaks/sbatch && echo "$folder/works"; } >unread/sbatch
{ cat speaks/sacct && echo "$folder/works"; } >late/sacct
for way in unread late; do
    PATH="$folder/$way:$usual"
    run 0 run study.cfg -q -o $way-runs -s executor.look=0.1
    PATH=$usual
    same $way-runs
done

for _ in $(seq 100); do
    [ -e looked ] && break
    sleep 0.1
done
kill -TERM $staying # a shell's job in the background ignores SIGINT
wait $staying
[ $? = 130 ] || fail "a job that stays: the interrupted command did not end with status 130: $(cat stayed.log)"
grep -q "job 7 has been cancelled, but 2 of its tasks have not ended after 20 seconds" stayed.log ||
    fail "tasks that stay are not told: $(cat stayed.log)"

# --- on a cluster ---

for tool in munged slurmctld slurmd sbatch; do
    command -v $tool >/dev/null || skip "there is no $tool (Debian: slurm-wlm)"
done
[ "$(id -u)" = 0 ] || skip "only root can start a cluster"

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
AuthInfo=socket=$folder/munge/socket,cred_expire=5
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
start >start.log 2>&1 || skip "no cluster could be started: $(tail -n 5 start.log)"

# until_true WORDS: until the shell says yes, a minute at most.
until_true() {
    for _ in $(seq 300); do
        eval "$*" && return
        sleep 0.2
    done
    fail "never: $*"
}

# A line for each task that waits or works: JOB_TASK STATE
queue() {
    squeue --noheader --array --format='%F_%K %T'
}

# One task is left, and it works.
one_works() {
    [ "$(queue | wc -l)" = 1 ] && queue | grep -q "_2 RUNNING"
}

run 0 run study.cfg -q -o "by; slurm" -s 'executor.options=["--comment=it'\''s"]'
same "by; slurm"
grep -q 'plugin = "slurm"' "by; slurm/config.cfg" || fail "the tasks have replaced the executor of config.cfg"
[ "$(ls "by; slurm"/slurm-*-*.log | wc -l)" = 6 ] || fail "not a task for each run: $(ls "by; slurm")"
run 0 run study.cfg -o "by; slurm"
says "all runs are done already"

# Four tasks for what two runs of six have left; and only those are handed in that have something to do.
run 0 run study.cfg -q -o four -s executor=local --shard 2/3
run 0 run study.cfg -q -o four -s executor.tasks=4
same four
run 0 run study.cfg -q -o one -s executor=local -s 'sweep.0.values=[0,1,2,3,4]'
run 0 run study.cfg -q -o one
[ "$(ls one/slurm-*-*.log | wc -l)" = 1 ] || fail "not one task for one run: $(ls one)"
same one

# A task is killed: its run is told as failed, with the reason, and a second command does it.
TESSERA_MISBEHAVE=hang "$program" run study.cfg -q -o killed >killed.log 2>&1 </dev/null &
leader=$!
until_true one_works
scancel "$(queue | cut -d " " -f 1)"
wait $leader
[ $? = 3 ] || fail "a killed task did not end in status 3: $(cat killed.log)"
grep -q 'task 2 of Slurm job [0-9]* on .* ended as CANCELLED and left no outcome' killed.log ||
    fail "the killed task is not told: $(cat killed.log)"
[ "$(ls killed/runs/*/run.json | wc -l)" = 6 ] || fail "not a record for each run: $(ls killed/runs)"
run 0 run study.cfg -q -o killed
same killed

# A task is requeued while it works, and does its run when it is started again.
TESSERA_MISBEHAVE="sleep" "$program" run study.cfg -q -o requeued -s 'executor.options=["--requeue"]' >requeued.log 2>&1 \
    </dev/null &
leader=$!
until_true 'queue | grep -q "_2 RUNNING"'
task=$(queue | grep _2 | cut -d " " -f 1)
scontrol requeue "$task" || fail "the task was not requeued"
until_true 'scontrol show job "$task" | grep -q "Restarts=1"'
wait $leader
[ $? = 0 ] || fail "a requeued task is not waited for: $(cat requeued.log)"
same requeued

# Runs that nobody begins: the job is taken out of the queue by somebody else.
(
    until_true '[ "$(queue)" ]'
    sleep 1
    scancel --name=tessera
) &
run 3 run study.cfg -q -o left -s 'executor.options=["--hold"]'
wait
says "executor slurm did not do 6 of 6 runs"

# While the array is at work, the folder is shared with shards and with nothing else; an interrupt cancels the job.
TESSERA_MISBEHAVE=hang "$program" run study.cfg -q -o held >held.log 2>&1 </dev/null &
leader=$!
until_true one_works
run 2 run study.cfg -q -o held -s executor=local
says "another tessera is working in this results folder"
kill -TERM $leader # a shell's job in the background ignores SIGINT
wait $leader
[ $? = 130 ] || fail "the interrupted command did not end with status 130: $(cat held.log)"
[ -z "$(queue)" ] || fail "an interrupted command has left its job: $(queue)"
run 0 run study.cfg -q -o held
same held

# Handed in, and done later.
run 0 run study.cfg -o later -s executor.wait=false
says "handed in as Slurm job "
says "executor slurm has handed on 6 of 6 runs"
until_true '[ -z "$(queue)" ]'
same later

run 3 run study.cfg -q -o no -s 'executor.options=["--no-such-option"]'
says "sbatch has not taken the job of 6 runs: sbatch: unrecognized option '--no-such-option'"
run 3 run study.cfg -q -o no -s 'executor.partition="nowhere"'
says "invalid partition specified: nowhere"
exit $failed
