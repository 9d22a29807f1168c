/* slurm: has a Slurm cluster do the runs, as one job array. The machines must see the results folder, the
   data and the plugins under the same paths as this one. Each task of the array does a shard: one run or,
   with `tasks`, each so many runs as there are for each task. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/tessera.h>
#include <time.h>

typedef struct slurm {
    int tasks;
    bool wait;
    double look;
    tsr_string_list options;
} slurm;

static const tsr_key keys[] = {
    TSR_KEY_INT(slurm, tasks, 0, 0, 100000, "tasks of the array; 0: one for each run that is left"),
    TSR_KEY_BOOL(slurm, wait, true, "wait for the runs; false: only submit them"),
    TSR_KEY_REAL(slurm, look, 2.0, 0.1, 3600.0, "time between looks at the queue", .unit = "seconds"),
    TSR_KEY_STRING_LIST(slurm, options, NULL, 0, "further options of sbatch, such as \"--mem=4G\""),
    TSR_KEY_END,
};

/* How long a record that a task has written may take to be seen here, as over NFS. */
#define LATE_SECONDS 5

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* As one word of a shell, whatever it holds. */
static void add_word(FILE *out, const char *word)
{
    fputs(" '", out);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    fputc('\'', out);
}

/* The first line that a command of the shell prints, without its end; what it says of errors goes to stderr.
   Whether it succeeds. */
static bool ask(const char *command, char *line, size_t capacity)
{
    FILE *answer = popen(command, "re");
    char rest[256];
    line[0] = '\0';
    if (!answer)
        return false;
    if (fgets(line, (int)capacity, answer))
        line[strcspn(line, "\n")] = '\0';
    while (fgets(rest, sizeof(rest), answer))
        continue;
    return pclose(answer) == 0;
}

/* What a task does: the command's words and its shard, which the task's number tells. free() it. */
static char *make_task(const tsr_work *work, size_t shards)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fputs("exec", out);
    for (const char *const *word = work->command; *word; word++)
        add_word(out, *word);
    fprintf(out, " $((SLURM_ARRAY_TASK_ID + 1))/%zu", shards);
    return fclose(out) == 0 ? text : NULL;
}

/* The numbers of the tasks: all, or of the runs that are left. */
static void add_array(FILE *out, const slurm *s, const tsr_work *work, size_t shards)
{
    fputs(" --array=", out);
    if (s->tasks)
        fprintf(out, "0-%zu", shards - 1);
    for (size_t i = 0; i < work->n && !s->tasks; i++)
        fprintf(out, "%s%zu", i ? "," : "", work->numbers[i]);
    if (work->jobs)
        fprintf(out, "%%%zu", work->jobs); /* at a time */
}

/* free() it. */
static char *make_submission(const slurm *s, const tsr_work *work)
{
    size_t shards = s->tasks && (size_t)s->tasks < work->n_all ? (size_t)s->tasks : work->n_all, size;
    char *text = NULL, *task = make_task(work, shards);
    FILE *out = task ? open_memstream(&text, &size) : NULL;
    if (!out) {
        free(task);
        return NULL;
    }
    fputs("sbatch --parsable --job-name=tessera", out);
    add_array(out, s, work, shards);
    fputs(" --chdir", out);
    add_word(out, work->folder);
    fputs(" --output=slurm-%A-%a.log", out);
    for (size_t i = 0; i < s->options.n; i++)
        add_word(out, s->options.values[i]);
    fputs(" --wrap", out);
    add_word(out, task);
    free(task);
    return fclose(out) == 0 ? text : NULL;
}

/* *job: its number. */
static tsr_status *submit(const slurm *s, const tsr_work *work, char *job, size_t capacity)
{
    char *command = make_submission(s, work);
    if (!command)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for a job of %zu runs", work->n);
    bool done = ask(command, job, capacity);
    free(command);
    job[strspn(job, "0123456789")] = '\0'; /* "NUMBER;CLUSTER" */
    if (!done || !job[0])
        return tsr_fail(TSR_FAILED,
                        "sbatch has not taken the job of %zu runs: see what it says; where there are more "
                        "than an array may have (scontrol show config: MaxArraySize), set `tasks`",
                        work->n);
    return NULL;
}

/* Says which runs have been done since the last look. `left` are not. */
static size_t look_at_runs(const tsr_work *work, bool *seen)
{
    size_t left = 0;
    for (size_t i = 0; i < work->n; i++) {
        if (!seen[i] && work->finished(work, i)) {
            seen[i] = true;
            work->seen(work, i);
        }
        left += !seen[i];
    }
    return left;
}

/* Whether tasks of the job wait or run. Where the queue cannot be read they may. */
static bool is_queued(const char *job)
{
    char command[96], line[64];
    snprintf(command, sizeof(command), "squeue -h -j %s -o %%T 2>&1", job);
    bool answered = ask(command, line, sizeof(line));
    return answered ? line[0] != '\0' : !strstr(line, "Invalid job id");
}

static void cancel(const char *job)
{
    char command[64], line[64];
    snprintf(command, sizeof(command), "scancel %s", job);
    ask(command, line, sizeof(line));
}

/* Until all runs are done, or the job has ended and nothing more comes. */
static void wait_for(const slurm *s, const tsr_work *work, const char *job, bool *seen)
{
    double looked = now(), ended = 0;
    for (;;) {
        nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
        work->tick(work);
        if (work->interrupted(work)) {
            cancel(job);
            return;
        }
        if (now() - looked < s->look)
            continue;
        looked = now();
        bool queued = is_queued(job);
        if (look_at_runs(work, seen) == 0 && !queued)
            return;
        ended = queued ? 0 : ended ? ended : looked;
        if (ended && looked - ended >= LATE_SECONDS)
            return; /* what is missing is told by the host */
    }
}

static tsr_status *execute(const void *self, const tsr_work *work)
{
    const slurm *s = self;
    char job[64];
    if (work->n == 0 || work->interrupted(work))
        return NULL;
    bool *seen = calloc(work->n, sizeof(*seen));
    tsr_status *status = seen ? work->share_folder(work) : tsr_fail(TSR_NO_MEMORY, "not enough memory");
    if (!status)
        status = submit(s, work, job, sizeof(job));
    if (!status && s->wait)
        wait_for(s, work, job, seen);
    for (size_t i = 0; i < work->n && !status && !s->wait; i++)
        work->handed_on(work, i);
    if (!status && !s->wait)
        fprintf(stderr, "submitted as job %s\n", job);
    free(seen);
    return status;
}

static const tsr_executor_ops ops = { .execute = execute };

static const tsr_plugin plugin = {
    TSR_EXECUTOR_PLUGIN(&ops),
    .name = "slurm",
    .version = "1.0.0",
    .summary = "has a Slurm cluster do the runs as a job array",
    .licence = "MIT",
    TSR_INSTANCE(slurm),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
