/* squeue shows ended tasks too, for some minutes (slurm.conf: MinJobAge), so that accounts are asked only for
   what ended while nobody looked. Both print a line for each task: its number, state and machine. */
#include "slurm_queue.h"

#include "ask.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_end(const char *state)
{
    static const char *const ends[] = { "COMPLETED", "CANCELLED", "FAILED",   "TIMEOUT",      "NODE_FAIL",
                                        "PREEMPTED", "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY" };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (strcmp(state, ends[i]) == 0)
            return true;
    return false;
}

/* The field up to the next '|' or the line's end, and where the next begins; NULL: it is the last. */
static const char *read_field(const char *from, char *out, size_t size)
{
    size_t length = strcspn(from, "|\n"), kept = length < size ? length : size - 1;
    memcpy(out, from, kept);
    out[kept] = '\0';
    return from[length] == '|' ? from + length + 1 : NULL;
}

/* "3|TIMEOUT|node7", or "12_3|CANCELLED by 1000|None assigned"; false: another line. */
static bool read_line(const char *line, size_t *number, slurm_task *task)
{
    char who[64], *end;
    const char *state = read_field(line, who, sizeof(who));
    const char *node = state ? read_field(state, task->state, sizeof(task->state)) : NULL;
    if (!node)
        return false;
    read_field(node, task->node, sizeof(task->node));
    task->state[strcspn(task->state, " ")] = '\0';
    if (strcmp(task->node, "None assigned") == 0)
        task->node[0] = '\0';
    const char *digits = strchr(who, '_') ? strchr(who, '_') + 1 : who;
    *number = strtoul(digits, &end, 10);
    return isdigit((unsigned char)digits[0]) && !*end;
}

/* How many have not ended. `fill`: what is known stays. */
static size_t read_tasks(const char *said, size_t n, slurm_task *tasks, bool fill)
{
    size_t left = 0;
    for (const char *line = said; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        size_t number;
        slurm_task task;
        if (!read_line(line, &number, &task) || number >= n)
            continue;
        if (!is_end(task.state)) {
            task = (slurm_task){ 0 };
            left++;
        }
        if (!fill || !tasks[number].state[0])
            tasks[number] = task;
    }
    return left;
}

tsr_status *slurm_look(const char *job, size_t n, slurm_task *tasks, size_t *left)
{
    const char *const words[] = { "squeue", "--noheader", "--array",           "--states=all",
                                  "--jobs", job,          "--format=%K|%T|%N", NULL };
    char *said;
    bool succeeded;
    TSR_TRY(ask(words, ASK_SECONDS, &said, &succeeded));
    tsr_status *status = NULL;
    if (succeeded)
        *left = read_tasks(said, n, tasks, false);
    else if (strstr(said, "Invalid job id"))
        *left = 0; /* it has been forgotten */
    else
        status = tsr_fail(TSR_FAILED, "squeue fails: %s", ask_one_line(said));
    free(said);
    return status;
}

void slurm_recall(const char *job, size_t n, slurm_task *tasks)
{
    const char *const words[] = {
        "sacct", "--noheader", "--parsable2", "--allocations", "--jobs", job, "--format=JobID,State,NodeList",
        NULL
    };
    char *said;
    bool succeeded;
    tsr_status_free(ask(words, ASK_SECONDS, &said, &succeeded));
    if (said && succeeded)
        read_tasks(said, n, tasks, true);
    free(said);
}

tsr_status *slurm_cancel(const char *job)
{
    const char *const words[] = { "scancel", job, NULL };
    char *said;
    bool succeeded;
    tsr_status *status = ask(words, ASK_SECONDS, &said, &succeeded);
    if (!status && !succeeded && !strstr(said, "Invalid job id"))
        status = tsr_fail(TSR_FAILED, "job %s could not be cancelled: %s", job, ask_one_line(said));
    free(said);
    return tsr_context(status, "cancel job %s by hand", job);
}
