/* @NAME@: one run after the other, in this process. Write how yours does them. */
#include <tessera/tessera.h>

/* The host allocates one of these for each use in a config and fills it by the declarations. */
typedef struct settings {
    int threads;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_INT(settings, threads, 1, 1, 4096, "threads of a run"),
    TSR_KEY_END,
};

/* Each run once. A run that fails is an outcome that the host stores; a status means that no more can be
   done. An executor that does runs in other processes says work->lost for one that ended without an outcome,
   and calls work->tick about ten times a second. */
static tsr_status *execute(const void *self, const tsr_work *work)
{
    const settings *e = self;
    for (size_t i = 0; i < work->n && !work->interrupted(work); i++) {
        TSR_TRY(work->run(work, i, e->threads));
        work->tick(work);
    }
    return NULL;
}

static const tsr_executor_ops ops = { .execute = execute };

static const tsr_plugin plugin = {
    TSR_EXECUTOR_PLUGIN(&ops),
    .name = "@NAME@",
    .version = "0.1.0",
    .summary = "one run after the other",
    .licence = "MIT",
    TSR_INSTANCE(settings),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
