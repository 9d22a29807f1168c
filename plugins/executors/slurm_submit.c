/* sbatch, its words made from the config, and the script of a task: one command, of which the task's number
   tells the shard. */
#include "slurm_submit.h"

#include "ask.h"

#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_MAX_ARRAY_SIZE 1001 /* Slurm's own default */
#define OWN_WORDS 12              /* of sbatch, besides `options` */
#define SUBMIT_SECONDS 300.0      /* sbatch itself tries again for minutes where a cluster is busy */

/* --- what the config says --- */

static bool matches(const char *text, const char *pattern)
{
    regex_t compiled;
    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    bool found = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

/* Options that the executor gives itself, or that make sbatch do something else than hand in a job. */
static const struct {
    const char *name, *instead;
    char letter;
} refused[] = {
    { "array", "the executor makes the array: `tasks` says of how many, `jobs` how many at a time", 'a' },
    { "chdir", "tasks work in the results folder", 'D' },
    { "clusters", "the job would not be found in this cluster's queue", 'M' },
    { "cpus-per-task", "`cpus` says how many", 'c' },
    { "parsable", "the executor gives it", '\0' },
    { "test-only", "nothing would be done", '\0' },
    { "help", "nothing would be done", 'h' },
    { "usage", "nothing would be done", '\0' },
    { "version", "nothing would be done", 'V' },
    { "wait", "`wait` says whether to", 'W' },
    { "wrap", "the executor gives it", '\0' },
};

/* Those of sbatch without a value, which others may follow in one word: "-HW". */
#define PLAIN_LETTERS "HIOQksv"

static tsr_status *check_option(const char *option)
{
    if (!matches(option, "^-(-[a-z]|[A-Za-z])"))
        return tsr_fail(TSR_REFUSED,
                        "options: '%s' is no option of sbatch; expected one word for each, as \"--mem=4G\"",
                        option);
    bool is_long = option[1] == '-';
    size_t length = strcspn(option + 2, "="), skipped = strspn(option + 1, PLAIN_LETTERS);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (is_long ? strncmp(option + 2, refused[i].name, length) == 0 /* sbatch takes "--arr" for it too */
                    : refused[i].letter && option[1 + skipped] == refused[i].letter)
            return tsr_fail(TSR_REFUSED, "options: '%s' cannot be given: %s", option, refused[i].instead);
    return NULL;
}

tsr_status *slurm_check(const slurm *s)
{
    if (s->time[0] && !matches(s->time, "^([0-9]+|[0-9]+:[0-9]+(:[0-9]+)?|[0-9]+-[0-9]+(:[0-9]+){0,2})$"))
        return tsr_fail(TSR_REFUSED,
                        "time is '%s', expected minutes, or HOURS:MINUTES:SECONDS, or DAYS-HOURS:MINUTES",
                        s->time);
    if (s->memory[0] && !matches(s->memory, "^[0-9]+[KMGT]?$"))
        return tsr_fail(TSR_REFUSED, "memory is '%s', expected a number and K, M, G or T, as \"4G\"",
                        s->memory);
    if (s->partition[0] && !matches(s->partition, "^[^[:space:]]+$"))
        return tsr_fail(TSR_REFUSED, "partition is '%s', expected a name without blanks", s->partition);
    for (size_t i = 0; i < s->options.n; i++)
        TSR_TRY(check_option(s->options.values[i]));
    return NULL;
}

/* --- how many tasks --- */

tsr_status *slurm_count_tasks(const slurm *s, const tsr_work *work, size_t *out)
{
    static const char *const limits[] = { "scontrol", "show", "config", NULL };
    static const char *const present[] = { "sbatch", "--version", NULL };
    char *said;
    bool succeeded;
    tsr_status *status = ask(present, ASK_SECONDS, &said, &succeeded);
    free(said);
    if (status)
        return tsr_context(status, "there is no Slurm here (start tessera where jobs are handed in, or give "
                                   "-s executor=local)");
    size_t most = USUAL_MAX_ARRAY_SIZE;
    tsr_status_free(ask(limits, ASK_SECONDS, &said, &succeeded));
    const char *limit = said ? strstr(said, "MaxArraySize") : NULL;
    const char *value = limit ? strchr(limit, '=') : NULL;
    if (value && strtoul(value + 1, NULL, 10) > 0)
        most = strtoul(value + 1, NULL, 10);
    free(said);
    most = most < SLURM_MAX_TASKS ? most : SLURM_MAX_TASKS;
    *out = s->tasks ? (size_t)s->tasks : most;
    if (*out > work->n_all)
        *out = work->n_all;
    return NULL;
}

/* --- the words --- */

typedef struct words {
    size_t n, capacity;
    char **of; /* ended by NULL */
    bool failed;
} words;

static __attribute__((format(printf, 2, 3))) void add(words *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (w->n == w->capacity || vasprintf(&w->of[w->n], format, args) < 0)
        w->failed = true;
    else
        w->of[++w->n] = NULL;
    va_end(args);
}

static void words_free(words *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->of[i]);
    free(w->of);
}

/* The numbers of the tasks: "0-3,7,9-12%4". free() it. */
static char *make_list(const tsr_work *work, size_t n, const bool *wanted)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    const char *separator = "";
    for (size_t first = 0, last; first < n; first = last + 1) {
        last = first;
        if (!wanted[first])
            continue;
        while (last + 1 < n && wanted[last + 1])
            last++;
        fprintf(out, "%s%zu", separator, first);
        if (last > first)
            fprintf(out, "-%zu", last);
        separator = ",";
    }
    if (work->jobs)
        fprintf(out, "%%%zu", work->jobs); /* at a time */
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* As one word of a shell, whatever it holds. */
static void add_quoted(FILE *out, const char *word)
{
    fputc('\'', out);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    fputs("' ", out);
}

/* What a task does: its runs one after the other, with all cores that the task has. free() it. */
static char *make_script(const slurm *s, const tsr_work *work, size_t n)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fputs("exec ", out);
    for (const char *const *word = work->command; *word; word++)
        add_quoted(out, *word);
    fprintf(out, "$((SLURM_ARRAY_TASK_ID + 1))/%zu -j 1 -s executor.threads=%d", n, s->cpus);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static tsr_status *make_words(const slurm *s, const tsr_work *work, size_t n, const bool *wanted, words *w)
{
    char *list = make_list(work, n, wanted), *script = make_script(s, work, n);
    w->capacity = OWN_WORDS + s->options.n;
    w->of = calloc(w->capacity + 1, sizeof(*w->of));
    if (list && script && w->of) {
        add(w, "sbatch");
        add(w, "--parsable");
        add(w, "--job-name=tessera");
        add(w, "--array=%s", list);
        add(w, "--chdir=%s", work->folder);
        add(w, "--output=slurm-%%A-%%a.log");
        add(w, "--cpus-per-task=%d", s->cpus);
        if (s->partition[0])
            add(w, "--partition=%s", s->partition);
        if (s->time[0])
            add(w, "--time=%s", s->time);
        if (s->memory[0])
            add(w, "--mem=%s", s->memory);
        for (size_t i = 0; i < s->options.n; i++)
            add(w, "%s", s->options.values[i]);
        add(w, "--wrap=%s", script);
    } else {
        w->failed = true;
    }
    free(list);
    free(script);
    return w->failed ? tsr_fail(TSR_NO_MEMORY, "not enough memory for a job of %zu tasks", n) : NULL;
}

/* Finds the line that is the job's number, among warnings. */
static bool find_number(const char *said, char job[SLURM_JOB_SIZE])
{
    for (const char *line = said; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        size_t digits = strspn(line, "0123456789");
        if (digits == 0 || digits >= SLURM_JOB_SIZE || (line[digits] && !strchr(";\n", line[digits])))
            continue;
        memcpy(job, line, digits);
        job[digits] = '\0';
        return true;
    }
    return false;
}

tsr_status *slurm_submit(const slurm *s, const tsr_work *work, size_t n, const bool *wanted,
                         char job[SLURM_JOB_SIZE])
{
    words w = { 0 };
    char *said = NULL;
    bool succeeded = false;
    tsr_status *status = make_words(s, work, n, wanted, &w);
    if (!status)
        status = ask((const char *const *)w.of, SUBMIT_SECONDS, &said, &succeeded);
    if (tsr_status_error(status) == TSR_FAILED)
        status = tsr_context(status, "squeue --me tells whether the job has been taken");
    words_free(&w);
    if (!status && (!succeeded || !find_number(said, job)))
        status =
            tsr_fail(TSR_FAILED, "sbatch has not taken the job of %zu runs: %s", work->n, ask_one_line(said));
    free(said);
    return status;
}
