/* Watching the calls of a plugin. */
#include "kit/watch.h"

#include "base/guard.h"
#include "base/surroundings.h"
#include "base/text.h"

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>

/* The sanitizer's allocator, where there is one, counts for itself. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

size_t tsr_kit_allocated(void)
{
    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* --- surroundings --- */

static tsr_surroundings before_call;
static tsr_status *first_change;

static void note_change(tsr_call ended, const tsr_surroundings *now)
{
    tsr_text what = { 0 }, call = { 0 };
    if (tsr_surroundings_differ(&before_call, now, &what)) {
        tsr_guard_describe_call(ended, &call);
        if (!first_change)
            first_change = tsr_fail(TSR_FAILED,
                                    "%s changes %s, which others in the process rely on; put back what "
                                    "it was before returning",
                                    call.chars ? call.chars : "an operation", what.chars ? what.chars : "it");
        tsr_surroundings_restore(&before_call);
    }
    free(what.chars);
    free(call.chars);
}

static void compare_surroundings(tsr_call ended, tsr_call begins)
{
    tsr_surroundings now;
    if (ended) {
        tsr_surroundings_take(&now);
        note_change(ended, &now);
    }
    if (begins)
        tsr_surroundings_take(&before_call);
}

void tsr_kit_watch_surroundings(void)
{
    first_change = NULL;
    tsr_guard_watch_calls(compare_surroundings);
}

tsr_status *tsr_kit_watch_end(void)
{
    tsr_guard_watch_calls(NULL);
    tsr_status *status = first_change;
    first_change = NULL;
    return status;
}

/* --- memory --- */

enum { MAX_OPERATIONS = 64, LEAST = 8 /* bytes per call that are told of */ };

static struct {
    tsr_call call;
    long long kept, times; /* in this round */
    long long least;       /* per call, in any round */
} kept[MAX_OPERATIONS];
static size_t n_kept, before_bytes;

/* Those that have no later operation to free what they allocate. */
static bool keeps_nothing(tsr_call call)
{
    switch (call & 0xff) {
    case TSR_CALL_CHECK:
    case TSR_CALL_READ:
    case TSR_CALL_FORWARD:
    case TSR_CALL_BACKWARD:
    case TSR_CALL_PENALTY:
    case TSR_CALL_SLOTS:
    case TSR_CALL_UPDATE:
    case TSR_CALL_RUN:
    case TSR_CALL_EXECUTE:
        return true;
    default:
        return false;
    }
}

static void count(tsr_call ended, long long bytes)
{
    size_t i = 0;
    while (i < n_kept && kept[i].call != ended)
        i++;
    if (i == MAX_OPERATIONS)
        return;
    if (i == n_kept) {
        kept[n_kept].call = ended;
        kept[n_kept].kept = kept[n_kept].times = 0;
        kept[n_kept].least = LLONG_MAX;
        n_kept++;
    }
    kept[i].kept += bytes;
    kept[i].times++;
}

static void compare_memory(tsr_call ended, tsr_call begins)
{
    size_t now = tsr_kit_allocated();
    if (ended && keeps_nothing(ended))
        count(ended, (long long)now - (long long)before_bytes);
    if (begins)
        before_bytes = now;
}

void tsr_kit_watch_memory(void)
{
    before_bytes = tsr_kit_allocated();
    tsr_guard_watch_calls(compare_memory);
}

void tsr_kit_watch_memory_round(void)
{
    tsr_guard_watch_calls(NULL);
    for (size_t i = 0; i < n_kept; i++) {
        long long now = kept[i].times ? kept[i].kept / kept[i].times : 0;
        kept[i].least = now < kept[i].least ? now : kept[i].least;
        kept[i].kept = kept[i].times = 0;
    }
}

char *tsr_kit_watch_memory_end(void)
{
    size_t most = n_kept;
    for (size_t i = 0; i < n_kept; i++)
        if (most == n_kept || kept[i].least > kept[most].least)
            most = i;
    if (most == n_kept || kept[most].least < LEAST || kept[most].least == LLONG_MAX)
        return NULL;
    n_kept = 0;
    tsr_text text = { 0 };
    tsr_guard_describe_call(kept[most].call, &text);
    tsr_text_add(&text, " keeps %lld bytes more at each call", kept[most].least);
    return text.chars;
}
