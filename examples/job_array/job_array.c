/* job_array: prints the command of each task of a job array, for a scheduler of one's own, and does no run
   itself. The tasks' shards merge in the results folder; `tessera report` then draws them. */
#include <stdio.h>
#include <tessera/tessera.h>

typedef struct settings {
    int tasks;
    const char *config, *output;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_INT(settings, tasks, 4, 1, 100000, "tasks of the array"),
    TSR_KEY_STRING(settings, config, "EXPERIMENT.cfg", "config file that the tasks are to run"),
    TSR_KEY_STRING(settings, output, "results/EXPERIMENT", "results folder that all nodes see"),
    TSR_KEY_END,
};

static tsr_status *execute(const void *self, const tsr_work *work)
{
    const settings *e = self;
    size_t tasks = work->n < (size_t)e->tasks ? work->n : (size_t)e->tasks;
    for (size_t i = 1; i <= tasks; i++)
        printf("tessera run %s -q -o %s -s executor=local --shard %zu/%zu\n", e->config, e->output, i, tasks);
    return fflush(stdout) == 0 ? NULL : tsr_fail(TSR_IO, "the commands cannot be written");
}

static const tsr_executor_ops ops = { .execute = execute, .elsewhere = true };

static const tsr_plugin plugin = {
    TSR_EXECUTOR_PLUGIN(&ops),
    .name = "job_array",
    .version = "1.0.0",
    .summary = "prints the commands of a job array",
    .licence = "MIT",
    TSR_INSTANCE(settings),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
