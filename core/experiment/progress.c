/* How far the runs are: a table in memory that the processes of an experiment share. */
#include "experiment/progress.h"

#include "base/memory.h"

#include <sys/mman.h>
#include <time.h>

tsr_status *tsr_progress_new(size_t n, tsr_progress *out)
{
    size_t bytes;
    if (!tsr_checked_multiply(n ? n : 1, sizeof(tsr_run_progress), &bytes))
        return tsr_no_memory("the progress of the runs");
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return tsr_no_memory("the progress of the runs");
    *out = (tsr_progress){ .n = n, .runs = memory };
    return NULL;
}

void tsr_progress_clear(tsr_progress *progress)
{
    if (progress->runs)
        munmap(progress->runs, (progress->n ? progress->n : 1) * sizeof(tsr_run_progress));
    *progress = (tsr_progress){ 0 };
}

double tsr_progress_of_run(const tsr_run_progress *run)
{
    int state = atomic_load(&run->state);
    size_t epoch = atomic_load(&run->epoch), epochs = atomic_load(&run->epochs);
    if (state == TSR_RUN_DONE || state == TSR_RUN_FAILED)
        return 1;
    return epochs && state != TSR_RUN_WAITING ? (double)epoch / (double)(epochs + 1) : 0;
}

tsr_progress_view tsr_progress_look(const tsr_progress *progress)
{
    tsr_progress_view v = { 0 };
    for (size_t i = 0; i < progress->n; i++) {
        const tsr_run_progress *run = &progress->runs[i];
        int state = atomic_load(&run->state);
        v.ended += state == TSR_RUN_DONE || state == TSR_RUN_FAILED;
        v.failed += state == TSR_RUN_FAILED;
        v.fraction += tsr_progress_of_run(run);
        if (!v.any && (state == TSR_RUN_TRAINING || state == TSR_RUN_PROBING)) {
            v.any = true;
            v.shown = i;
        }
    }
    v.fraction /= progress->n ? (double)progress->n : 1;
    return v;
}

double tsr_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
