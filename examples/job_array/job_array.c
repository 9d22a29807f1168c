/* job_array: prints the command of each task of a job array, for a scheduler of one's own, and does no run
   itself. The tasks' shards merge in the results folder; `tessera report` then draws them. */
#include <stdio.h>
#include <tessera/tessera.h>

typedef struct settings {
    int tasks;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_INT(settings, tasks, 4, 1, 100000, "tasks of the array"),
    TSR_KEY_END,
};

/* As one word of a shell, whatever it holds. */
static void print_word(const char *word)
{
    putchar('\'');
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*word);
    fputs("' ", stdout);
}

static tsr_status *execute(const void *self, const tsr_work *work)
{
    const settings *e = self;
    size_t tasks = work->n_all < (size_t)e->tasks ? work->n_all : (size_t)e->tasks;
    for (size_t i = 1; i <= tasks; i++) {
        for (const char *const *word = work->command; *word; word++)
            print_word(*word);
        printf("%zu/%zu\n", i, tasks);
    }
    for (size_t i = 0; i < work->n; i++)
        work->handed_on(work, i);
    return fflush(stdout) == 0 ? NULL : tsr_fail(TSR_IO, "the commands cannot be written");
}

static const tsr_executor_ops ops = { .execute = execute };

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
