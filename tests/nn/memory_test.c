/* Memory: a step of training allocates nothing, and an allocation that fails anywhere is an error like
   another. The allocator is wrapped by this program's own, which counts and, when told to, fails. */
#include "toy.h"

#include <errno.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define WRAPPED false /* the sanitizer has wrapped it already */
#else
#define WRAPPED true

static size_t calls;   /* of the allocator */
static long live;      /* pieces of memory that are not freed */
static size_t fail_at; /* the call that fails, from 1; 0: none */

static bool refuse(void)
{
    if (++calls != fail_at)
        return false;
    errno = ENOMEM;
    return true;
}

static void *counted(void *memory)
{
    live += memory != NULL;
    return memory;
}

/* glibc's own names for what is wrapped. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

TSR_EXPORT void *malloc(size_t size)
{
    return refuse() ? NULL : counted(__libc_malloc(size));
}

TSR_EXPORT void *calloc(size_t n, size_t size)
{
    return refuse() ? NULL : counted(__libc_calloc(n, size));
}

TSR_EXPORT void *realloc(void *memory, size_t size)
{
    if (refuse())
        return NULL;
    void *moved = __libc_realloc(memory, size);
    return memory ? moved : counted(moved);
}

TSR_EXPORT void free(void *memory)
{
    live -= memory != NULL;
    __libc_free(memory);
}

TSR_EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    return refuse() ? NULL : counted(__libc_memalign(alignment, size));
}
#endif

#if WRAPPED

typedef struct call_counts {
    size_t at[6]; /* calls when each epoch was done */
} call_counts;

static tsr_status *count(void *context, const tsr_training_state *now)
{
    ((call_counts *)context)->at[now->epochs] = calls;
    return NULL;
}

typedef struct parts {
    tsr_instance *model, *optimizer, *regularizer, *loss;
} parts;

static parts make_parts(void)
{
    return (parts){ hook_model_new(toy_build, NULL), hook(TSR_OPTIMIZER, ""), hook(TSR_REGULARIZER, ""),
                    test_instance(TSR_LOSS, "plugin = \"softmax_cross_entropy\";") };
}

static void free_parts(parts *p)
{
    tsr_instance_free(p->model);
    tsr_instance_free(p->optimizer);
    tsr_instance_free(p->regularizer);
    tsr_instance_free(p->loss);
}

static tsr_status *build_and_train(const parts *p, call_counts *counts)
{
    toy problem = { .repeats = 5 };
    tsr_batches batches = toy_batches(&problem);
    ((hook_optimizer *)tsr_instance_self(p->optimizer))->slots = 2;
    tsr_training training = { .epochs = 5,
                              .batch = 4,
                              .optimizer = p->optimizer,
                              .n_regularizers = 1,
                              .regularizers = &p->regularizer,
                              .epoch_done = count,
                              .context = counts };
    tsr_network *network;
    TSR_TRY(tsr_network_new(p->model, TSR_SHAPE(2), 2, 1, &network));
    tsr_network_set_loss(network, &(tsr_network_loss_options){ .loss = p->loss, .classes = 2 });
    tsr_trained trained;
    tsr_status *status = tsr_train(network, &training, &batches, &trained);
    tsr_network_free(network);
    return status;
}

START_TEST(training_steps_allocate_nothing)
{
    parts p = make_parts();
    call_counts counts = { 0 };
    ck_succeeds(build_and_train(&p, &counts));
    ck_assert_uint_gt(counts.at[0], 0);         /* the wrapper works */
    for (size_t epoch = 2; epoch <= 5; epoch++) /* BLAS may take its buffer in the first */
        ck_assert_uint_eq(counts.at[epoch], counts.at[1]);
    free_parts(&p);
}
END_TEST

START_TEST(an_allocation_that_fails_anywhere_is_an_error)
{
    parts p = make_parts();
    call_counts counts;
    tsr_status_free(build_and_train(&p, &counts)); /* whatever is allocated once has been */
    size_t failures = 0;
    for (size_t i = 1; i < 1000; i++) {
        long before = live;
        calls = 0;
        fail_at = i;
        tsr_status *status = build_and_train(&p, &counts);
        bool reached = calls >= i, failed = status != NULL;
        fail_at = 0;
        tsr_error code = tsr_status_error(status);
        tsr_status_free(status);
        ck_assert_int_eq(live, before);
        if (!reached) {
            ck_assert(!failed);
            break;
        }
        ck_assert(!failed || code == TSR_NO_MEMORY);
        failures += failed;
    }
    ck_assert_uint_gt(failures, 50);
    free_parts(&p);
}
END_TEST

#endif

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("memory");
#if WRAPPED
    tcase_add_test(tests, training_steps_allocate_nothing);
    tcase_add_test(tests, an_allocation_that_fails_anywhere_is_an_error);
#endif
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
