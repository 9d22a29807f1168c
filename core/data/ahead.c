/* Batches made ahead of need, in a ring of slots. The thread and the caller share a lock and one condition:
   a batch was made, or a slot is free. A slot belongs to the maker until it is counted as made, then to the
   caller until it is counted as taken, so batches are written and read outside the lock. */
#include "data/ahead.h"

#include "base/crash.h"
#include "base/guard.h"
#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 2

typedef struct prepared {
    float *inputs;
    int32_t *labels;
    float *targets; /* NULL: there are none */
    size_t n;
} prepared;

struct tsr_ahead {
    tsr_fill_function *fill;
    void *context;
    size_t size, target_size;
    prepared slots[SLOTS];
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock: */
    size_t epoch, steps; /* steps 0: paused */
    size_t made, taken;  /* of the epoch's batches */
    bool busy, over;
};

static bool may_make(const tsr_ahead *ahead)
{
    return ahead->made < ahead->steps && ahead->made - ahead->taken < SLOTS;
}

static void *make_batches(void *context)
{
    tsr_ahead *ahead = context;
    tsr_guard_set_thread(TSR_GUARD_BATCHES);
    tsr_crash_watch_thread();
    pthread_mutex_lock(&ahead->lock);
    for (;;) {
        while (!ahead->over && !may_make(ahead))
            pthread_cond_wait(&ahead->changed, &ahead->lock);
        if (ahead->over)
            break;
        size_t epoch = ahead->epoch, step = ahead->made;
        prepared *slot = &ahead->slots[step % SLOTS];
        ahead->busy = true;
        pthread_mutex_unlock(&ahead->lock);
        slot->n = ahead->fill(ahead->context, epoch, step, slot->inputs, slot->labels, slot->targets);
        pthread_mutex_lock(&ahead->lock);
        ahead->busy = false;
        ahead->made++;
        pthread_cond_broadcast(&ahead->changed);
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

/* Signals are the main thread's. How it treats subnormals, which its floating-point state says, is the new
   thread's too, as POSIX has it. */
static bool start(tsr_ahead *ahead)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ahead->started = pthread_create(&ahead->thread, NULL, make_batches, ahead) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ahead->started;
}

tsr_status *tsr_ahead_new(tsr_fill_function *fill, void *context, size_t batch, size_t size,
                          size_t target_size, tsr_ahead **out)
{
    *out = NULL;
    size_t values, targets = 0;
    tsr_ahead *ahead = calloc(1, sizeof(*ahead));
    if (!ahead)
        return tsr_no_memory("batches");
    ahead->fill = fill;
    ahead->context = context;
    ahead->size = size;
    ahead->target_size = target_size;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    bool complete =
        tsr_checked_multiply(batch, size, &values) && tsr_checked_multiply(batch, target_size, &targets);
    for (size_t i = 0; complete && i < SLOTS; i++) {
        prepared *slot = &ahead->slots[i];
        *slot = (prepared){ .inputs = tsr_alloc(values, sizeof(float)),
                            .labels = tsr_alloc(batch, sizeof(int32_t)),
                            .targets = targets ? tsr_alloc(targets, sizeof(float)) : NULL };
        complete = slot->inputs && slot->labels && (slot->targets || !targets);
    }
    if (!complete || !start(ahead)) {
        tsr_ahead_free(ahead);
        return tsr_no_memory("batches made ahead");
    }
    *out = ahead;
    return NULL;
}

void tsr_ahead_free(tsr_ahead *ahead)
{
    if (!ahead)
        return;
    if (ahead->started) {
        pthread_mutex_lock(&ahead->lock);
        ahead->over = true;
        pthread_cond_broadcast(&ahead->changed);
        pthread_mutex_unlock(&ahead->lock);
        pthread_join(ahead->thread, NULL);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        free(ahead->slots[i].inputs);
        free(ahead->slots[i].labels);
        free(ahead->slots[i].targets);
    }
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->lock);
    free(ahead);
}

void tsr_ahead_pause(tsr_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->steps = 0;
    while (ahead->busy)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    pthread_mutex_unlock(&ahead->lock);
}

void tsr_ahead_begin(tsr_ahead *ahead, size_t epoch, size_t steps)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->epoch = epoch;
    ahead->steps = steps;
    ahead->made = ahead->taken = 0;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
}

size_t tsr_ahead_next(tsr_ahead *ahead, float *inputs, int32_t *labels, float *targets)
{
    pthread_mutex_lock(&ahead->lock);
    while (ahead->made == ahead->taken)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    const prepared *slot = &ahead->slots[ahead->taken % SLOTS];
    pthread_mutex_unlock(&ahead->lock);
    size_t n = slot->n;
    memcpy(inputs, slot->inputs, n * ahead->size * sizeof(*inputs));
    memcpy(labels, slot->labels, n * sizeof(*labels));
    if (targets)
        memcpy(targets, slot->targets, n * ahead->target_size * sizeof(*targets));
    pthread_mutex_lock(&ahead->lock);
    ahead->taken++;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
    return n;
}
