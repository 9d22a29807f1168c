/* What every executor must hold. Its runs only count; they may be done in processes of its own, so what they
   leave is in shared memory. */
#include "kit/kit.h"

#include "base/machine.h"
#include "plugin/instance.h"
#include "plugin/kinds.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <tessera/executor.h>

#define RUNS 7

typedef struct ledger {
    atomic_int done[RUNS], lost[RUNS], threads[RUNS];
    atomic_bool stop, unknown; /* the user wants to stop; a run was named that is none */
} ledger;

/* The host's account of the runs; `self` leads back to the ledger. */
typedef struct dummy {
    tsr_work work;
    ledger *ledger;
} dummy;

static ledger *ledger_of(const tsr_work *work)
{
    return ((const dummy *)work)->ledger;
}

static tsr_status *run(const tsr_work *work, size_t i, int threads)
{
    ledger *l = ledger_of(work);
    if (i >= RUNS) {
        atomic_store(&l->unknown, true);
        return NULL;
    }
    atomic_store(&l->threads[i], threads);
    atomic_fetch_add(&l->done[i], 1);
    return NULL;
}

static tsr_status *lost(const tsr_work *work, size_t i, const char *reason)
{
    (void)reason;
    ledger *l = ledger_of(work);
    if (i >= RUNS)
        atomic_store(&l->unknown, true);
    else
        atomic_fetch_add(&l->lost[i], 1);
    return NULL;
}

static void tick(const tsr_work *work)
{
    (void)work;
}

static bool interrupted(const tsr_work *work)
{
    return atomic_load(&ledger_of(work)->stop);
}

static void seen(const tsr_work *work, size_t i)
{
    (void)work;
    (void)i;
}

static bool finished(const tsr_work *work, size_t i)
{
    ledger *l = ledger_of(work);
    return i < RUNS && (atomic_load(&l->done[i]) > 0 || atomic_load(&l->lost[i]) > 0);
}

static tsr_status *share_folder(const tsr_work *work)
{
    (void)work;
    return NULL;
}

static void handed_on(const tsr_work *work, size_t i)
{
    if (i >= RUNS)
        atomic_store(&ledger_of(work)->unknown, true);
}

/* What would do a shard does nothing. */
static const char *const command[] = { "true", NULL };
static const size_t numbers[RUNS] = { 0, 1, 2, 3, 4, 5, 6 };

static tsr_status *execute(const tsr_instance *instance, ledger *l, size_t n)
{
    const tsr_executor_ops *ops = tsr_instance_ops(instance);
    const tsr_executor_common *common = tsr_instance_common(instance);
    dummy host = { .work = { .size = sizeof(tsr_work),
                             .n = n,
                             .run = run,
                             .lost = lost,
                             .tick = tick,
                             .interrupted = interrupted,
                             .cores = tsr_cores(),
                             .jobs = (size_t)common->jobs,
                             .seen = seen,
                             .finished = finished,
                             .folder = P_tmpdir,
                             .config = "/dev/null",
                             .command = command,
                             .n_all = RUNS,
                             .numbers = numbers,
                             .share_folder = share_folder,
                             .handed_on = handed_on },
                   .ledger = l };
    const void *self = tsr_instance_self(instance);
    bool leads = true;
    if (ops->join)
        TSR_TRY(ops->join(self, &leads));
    if (!leads)
        return tsr_fail(TSR_FAILED, "started alone, it does not lead");
    char shared[] = "runs";
    if (ops->share)
        TSR_TRY(ops->share(self, shared, sizeof(shared)));
    if (strcmp(shared, "runs") != 0)
        return tsr_fail(TSR_FAILED, "share changes what the leader has");
    tsr_call before = tsr_guard_note(tsr_instance_call(instance, TSR_CALL_EXECUTE));
    tsr_status *status = ops->execute(self, &host.work);
    tsr_guard_note(before);
    return status;
}

static tsr_status *with_ledger(tsr_kit *kit, size_t n, bool stop,
                               tsr_status *(*judge)(tsr_kit *, const ledger *))
{
    ledger *l = mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (l == MAP_FAILED)
        return tsr_fail(TSR_NO_MEMORY, "no shared memory");
    atomic_store(&l->stop, stop);
    tsr_instance *instance;
    tsr_status *status = tsr_kit_make(kit, &instance);
    if (!status) {
        status = execute(instance, l, n);
        tsr_instance_free(instance);
        if (!status || stop) {
            tsr_status_free(status); /* it may say that it was interrupted */
            status = judge(kit, l);
        }
    }
    munmap(l, sizeof(*l));
    return status;
}

/* All runs once; or none, where an executor only says how they are to be done. */
static tsr_status *judge_runs(tsr_kit *kit, const ledger *l)
{
    int done = 0;
    for (size_t i = 0; i < RUNS; i++)
        done += atomic_load(&l->done[i]);
    if (atomic_load(&l->unknown))
        return tsr_fail(TSR_FAILED, "it does a run that there is not; they are numbered from 0 to n - 1");
    for (size_t i = 0; i < RUNS && done; i++) {
        if (atomic_load(&l->done[i]) != 1 || atomic_load(&l->lost[i]))
            return tsr_fail(TSR_FAILED,
                            "run %zu of %d is done %d times and lost %d times, expected once and never", i,
                            RUNS, atomic_load(&l->done[i]), atomic_load(&l->lost[i]));
        if (atomic_load(&l->threads[i]) < 1)
            return tsr_fail(TSR_FAILED, "run %zu gets %d threads, expected at least 1", i,
                            atomic_load(&l->threads[i]));
    }
    if (!done)
        kit->skipped = "it leaves the runs to others";
    return NULL;
}

static tsr_status *does_each_run_once(tsr_kit *kit)
{
    return with_ledger(kit, RUNS, false, judge_runs);
}

static tsr_status *judge_nothing(tsr_kit *kit, const ledger *l)
{
    (void)kit;
    for (size_t i = 0; i < RUNS; i++)
        if (atomic_load(&l->done[i]) || atomic_load(&l->lost[i]))
            return tsr_fail(TSR_FAILED, "it does run %zu where there is none to do", i);
    return NULL;
}

static tsr_status *copes_without_runs(tsr_kit *kit)
{
    return with_ledger(kit, 0, false, judge_nothing);
}

/* That it returns at all is what is asked; the check's time limit says no. */
static tsr_status *judge_stop(tsr_kit *kit, const ledger *l)
{
    (void)kit;
    return atomic_load(&l->unknown) ? tsr_fail(TSR_FAILED, "it does a run that there is not") : NULL;
}

static tsr_status *stops_when_told(tsr_kit *kit)
{
    return with_ledger(kit, RUNS, true, judge_stop);
}

static const tsr_kit_check checks[] = {
    { "does each run once", does_each_run_once, 0, "once" },
    { "copes with nothing to do", copes_without_runs, 0, "empty" },
    { "returns when the user stops it", stops_when_told, 5000, "stops" },
    { NULL, NULL, 0, NULL },
};

static tsr_status *stir_runs(const tsr_instance *instance, uint64_t *digest)
{
    ledger *l = mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (l == MAP_FAILED)
        return tsr_fail(TSR_NO_MEMORY, "no shared memory");
    tsr_status *status = execute(instance, l, RUNS);
    tsr_kit_stir(digest, l->done, sizeof(l->done));
    tsr_kit_stir(digest, l->lost, sizeof(l->lost));
    munmap(l, sizeof(*l));
    return status;
}

static tsr_status *exercise(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    const tsr_executor_ops *ops = tsr_instance_ops(instance);
    if (ops->join) {
        kit->skipped = "its processes are joined once";
        return NULL;
    }
    return stir_runs(instance, digest);
}

const tsr_kit_kind tsr_kit_executor = { checks, exercise };
