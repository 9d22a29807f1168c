/* Work in a child process. The child answers through a pipe: one character, 'A' plus the number of its
   status's tsr_error, then the failure's message or the work's text, then a NUL. The NUL ends the answer,
   since a process that the child started may keep the pipe open. Foreign code runs in the child and may write
   into the pipe too, so the parent takes nothing of the answer unchecked. */
#include "base/isolate.h"

#include "base/crash.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ANSWER = 16 << 20 }; /* bytes */

/* In the child. */

typedef struct job {
    tsr_isolated *work;
    void *context;
    tsr_calls *calls; /* or NULL */
    tsr_crash *crash; /* or NULL; in shared memory */
    int ends[2];      /* of the pipe */
} job;

static bool write_answer(int fd, tsr_error error, const char *text)
{
    char first = (char)('A' + error);
    if (write(fd, &first, 1) != 1)
        return false;
    size_t left = strlen(text) + 1;
    while (left > 0) {
        ssize_t written = write(fd, text, left);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            text += written;
            left -= (size_t)written;
        }
    }
    return true;
}

static int work_and_answer(void *context)
{
    job *j = context;
    char *text = NULL;
    close(j->ends[0]);
    if (j->calls)
        tsr_guard_use(j->calls);
    if (j->crash)
        tsr_crash_watch(j->crash);
    tsr_status *status = j->work(j->context, &text);
    bool answered = write_answer(j->ends[1], tsr_status_error(status),
                                 status ? tsr_status_message(status)
                                 : text ? text
                                        : "");
    return answered ? 0 : TSR_PROCESS_UNABLE;
}

/* In the parent. */

/* Reads until the answer's NUL, the end of the pipe, the deadline or more than an answer may be; whether it
   is whole. */
static bool read_answer(int fd, int64_t deadline, tsr_text *answer, int *error)
{
    *error = 0;
    while (answer->length < MAX_ANSWER) {
        int64_t left = deadline - tsr_process_clock();
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        int polled = poll(&ready, 1, left > 0 ? (int)left : 0);
        if (polled < 0 && errno == EINTR)
            continue;
        if (polled <= 0)
            return false;
        char piece[4096];
        ssize_t got = read(fd, piece, sizeof(piece) - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            *error = errno;
        if (got <= 0)
            return false;
        piece[got] = '\0';
        tsr_text_add(answer, "%s", piece);
        if (answer->failed)
            return false;
        if (memchr(piece, '\0', (size_t)got))
            return answer->length > 0;
    }
    return false;
}

/* The failure that the child answered with, or its text. */
static tsr_status *take_answer(const tsr_isolate_words *words, const tsr_text *answer, char **text)
{
    int error = answer->chars[0] - 'A';
    if (error < TSR_OK || error > TSR_FAILED)
        return tsr_fail(TSR_REFUSED,
                        "%s: its process gave an answer that begins with byte %d, expected %d to %d %s; %s",
                        words->what, (unsigned char)answer->chars[0], 'A' + TSR_OK, 'A' + TSR_FAILED,
                        words->during, words->advice);
    if (error != TSR_OK)
        return tsr_fail((tsr_error)error, "%s", answer->chars + 1);
    *text = strdup(answer->chars + 1);
    return *text ? NULL : tsr_no_memory("a child's answer");
}

/* "in forward of model own (/path/own.so), in this check". */
static char *during_of(const tsr_isolate_words *words)
{
    tsr_text calls = { 0 };
    if (words->calls)
        tsr_guard_describe(words->calls, &calls);
    char *during = calls.chars ? tsr_format("in %s, %s", calls.chars, words->during) : strdup(words->during);
    free(calls.chars);
    return during;
}

/* How a child ended that gave no answer in time. */
typedef struct ending {
    const tsr_crash *crash; /* or NULL */
    int limit, ended;
    bool late;
} ending;

static tsr_status *describe_failure(const tsr_isolate_words *words, const char *during,
                                    const tsr_text *answer, const ending *how)
{
    if (answer->length >= MAX_ANSWER)
        return tsr_fail(TSR_REFUSED, "%s: its process gave an answer of more than %d bytes %s; %s",
                        words->what, MAX_ANSWER, during, words->advice);
    if (how->late)
        return tsr_fail(TSR_REFUSED, "%s: took more than %g seconds %s; %s", words->what, how->limit / 1000.0,
                        during, words->advice);
    tsr_text end = { 0 };
    tsr_process_describe_end(how->ended, during, &end);
    if (how->crash)
        tsr_crash_describe(how->crash, &end);
    tsr_status *status = end.failed
                             ? tsr_no_memory("a child's end")
                             : tsr_fail(TSR_REFUSED, "%s: %s; %s", words->what, end.chars, words->advice);
    free(end.chars);
    return status;
}

static tsr_status *fail_without_answer(const tsr_isolate_words *words, const tsr_text *answer,
                                       const ending *how)
{
    char *during = during_of(words);
    tsr_status *status =
        during ? describe_failure(words, during, answer, how) : tsr_no_memory("a child's end");
    free(during);
    return status;
}

static tsr_status *wait_for(const tsr_isolate_words *words, pid_t pid, const job *j, int limit, char **text)
{
    tsr_text answer = { 0 };
    int64_t deadline = tsr_process_clock() + limit;
    int error;
    bool whole = read_answer(j->ends[0], deadline, &answer, &error);
    ending how = { .crash = j->crash, .limit = limit };
    how.late = !whole && answer.length < MAX_ANSWER && !tsr_process_wait(pid, deadline);
    how.ended = tsr_process_end(pid);
    bool unable = WIFEXITED(how.ended) && WEXITSTATUS(how.ended) == TSR_PROCESS_UNABLE;
    tsr_status *status = answer.failed ? tsr_no_memory("a child's answer")
                         : error       ? tsr_fail(TSR_IO, "%s: the answer of its process cannot be read: %s",
                                                  words->what, strerror(error))
                         : whole       ? take_answer(words, &answer, text)
                         : unable
                             ? tsr_fail(TSR_IO, "%s: its process lacks files or cannot answer", words->what)
                             : fail_without_answer(words, &answer, &how);
    free(answer.chars);
    return status;
}

static tsr_status *work_here(tsr_isolated *work, void *context, char **text)
{
    tsr_status *status = work(context, text);
    if (!status && !*text)
        *text = strdup("");
    if (!status && !*text)
        return tsr_no_memory("an answer");
    if (status) {
        free(*text);
        *text = NULL;
    }
    return status;
}

tsr_status *tsr_isolate(const tsr_isolate_words *words, int limit, bool loud, tsr_isolated *work,
                        void *context, char **text)
{
    *text = NULL;
    if (tsr_process_is_single())
        return work_here(work, context, text);
    job j = { .work = work, .context = context, .calls = words->calls };
    pid_t pid = 0;
    if (pipe2(j.ends, O_CLOEXEC) != 0)
        return tsr_fail(TSR_IO, "%s: cannot be tried: %s", words->what, strerror(errno));
    void *memory = mmap(NULL, sizeof(*j.crash), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    j.crash = memory == MAP_FAILED ? NULL : memory;
    tsr_status *status = tsr_context(
        tsr_process_start(loud ? TSR_OUTPUT_AS_ERRORS : TSR_OUTPUT_ERRORS, work_and_answer, &j, &pid),
        "%s: cannot be tried", words->what);
    close(j.ends[1]);
    if (!status)
        status = wait_for(words, pid, &j, limit, text);
    close(j.ends[0]);
    if (j.crash)
        munmap(j.crash, sizeof(*j.crash));
    return status;
}
