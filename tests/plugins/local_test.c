/* The executor local with runs of the test's own: each is done once, in a process of its own, whatever their
   number; what ends badly is told; an interrupt ends them. */
#include "support.h"

#include "plugin/kinds.h"

#include <stdio.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MANY 400

/* What the runs leave, in memory that all processes share. */
typedef struct seen {
    _Atomic int done[MANY], lost[MANY], threads, running, most;
    pid_t process;    /* of the last run */
    char reason[200]; /* the last */
} seen;

typedef struct fake {
    tsr_work work; /* first */
    seen *seen;
    int interrupt_after; /* looks */
} fake;

static fake given;

static seen *seen_by(const tsr_work *work)
{
    return ((const fake *)work)->seen;
}

static tsr_status *do_one(const tsr_work *work, size_t i, int threads)
{
    seen *s = seen_by(work);
    int running = atomic_fetch_add(&s->running, 1) + 1;
    if (running > s->most)
        s->most = running;
    s->done[i]++;
    s->threads = threads;
    s->process = getpid();
    usleep(1000);
    atomic_fetch_sub(&s->running, 1);
    return NULL;
}

static tsr_status *do_badly(const tsr_work *work, size_t i, int threads)
{
    (void)threads;
    seen_by(work)->done[i]++;
    if (i == 1) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (i == 2)
        _exit(9);
    return i == 3 ? tsr_fail(TSR_IO, "cannot store") : NULL;
}

static tsr_status *do_forever(const tsr_work *work, size_t i, int threads)
{
    (void)threads;
    seen_by(work)->done[i]++;
    for (;;)
        pause();
    return NULL;
}

static tsr_status *lose(const tsr_work *work, size_t i, const char *reason)
{
    seen_by(work)->lost[i]++;
    snprintf(seen_by(work)->reason, sizeof(given.seen->reason), "%s", reason);
    return NULL;
}

static tsr_status *lose_badly(const tsr_work *work, size_t i, const char *reason)
{
    tsr_status_free(lose(work, i, reason));
    return tsr_fail(TSR_IO, "cannot store that");
}

static void tick(const tsr_work *work)
{
    (void)work;
}

static bool interrupted(const tsr_work *work)
{
    fake *f = (fake *)(uintptr_t)work;
    return f->interrupt_after && --f->interrupt_after == 0;
}

static bool finished(const tsr_work *work, size_t i)
{
    return seen_by(work)->done[i] > 0;
}

static void setup(void)
{
    given = (fake){ .work = { .size = sizeof(tsr_work),
                              .run = do_one,
                              .lost = lose,
                              .tick = tick,
                              .interrupted = interrupted,
                              .cores = 4,
                              .finished = finished } };
    given.seen = mmap(NULL, sizeof(seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(given.seen != MAP_FAILED);
}

static void teardown(void)
{
    munmap(given.seen, sizeof(seen));
}

static tsr_status *execute(const char *settings, size_t n)
{
    tsr_instance *executor = test_instance(TSR_EXECUTOR, settings);
    const tsr_executor_ops *ops = tsr_instance_ops(executor);
    const tsr_executor_common *common = tsr_instance_common(executor);
    given.work.n = n;
    given.work.jobs = (size_t)common->jobs;
    tsr_status *status = ops->execute(tsr_instance_self(executor), &given.work);
    tsr_instance_free(executor);
    return status;
}

START_TEST(each_of_many_runs_is_done_once)
{
    ck_succeeds(execute("plugin = \"local\"; jobs = 3;", MANY));
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(given.seen->done[i], 1);
        ck_assert_int_eq(given.seen->lost[i], 0);
    }
    ck_assert_int_le(given.seen->most, 3);
}
END_TEST

START_TEST(jobs_share_the_cores)
{
    static const struct {
        const char *settings;
        size_t n;
        int threads;
    } rows[] = { { "plugin = \"local\";", 8, 1 },
                 { "plugin = \"local\";", 2, 2 },
                 { "plugin = \"local\"; jobs = 1;", 3, 4 },
                 { "plugin = \"local\"; jobs = 16;", 20, 1 },
                 { "plugin = \"local\"; threads = 7;", 1, 7 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_succeeds(execute(rows[i].settings, rows[i].n));
        ck_assert_int_eq(given.seen->threads, rows[i].threads);
    }
}
END_TEST

START_TEST(a_run_that_tells_no_outcome_is_told_for)
{
    given.work.run = do_badly;
    ck_succeeds(execute("plugin = \"local\"; jobs = 1;", 2));
    ck_assert_int_eq(given.seen->lost[0], 0);
    ck_assert_int_eq(given.seen->lost[1], 1);
    ck_assert_str_eq(given.seen->reason, "killed by signal 11 (Segmentation fault)");
    ck_succeeds(execute("plugin = \"local\"; jobs = 1;", 3));
    ck_assert_str_eq(given.seen->reason, "its process ended with exit status 9 and no outcome");
    ck_succeeds(execute("plugin = \"local\"; jobs = 1;", 5));
    ck_assert_str_eq(given.seen->reason, "cannot store"); /* in the run's own words */
    ck_assert_int_eq(given.seen->done[4], 1);             /* and the next goes on */
}
END_TEST

START_TEST(an_outcome_that_cannot_be_stored_at_all_ends_the_work)
{
    given.work.run = do_badly;
    given.work.lost = lose_badly;
    ck_fails(execute("plugin = \"local\"; jobs = 1;", 5), TSR_IO, "cannot store that");
    ck_assert_int_eq(given.seen->done[4], 0);
}
END_TEST

START_TEST(without_forks_all_runs_are_done_here)
{
    pid_t here = getpid();
    given.work.run = do_one;
    ck_succeeds(execute("plugin = \"local\"; fork = false;", 3));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(given.seen->done[i], 1);
    ck_assert_int_eq(given.seen->process, here);
    ck_assert_int_eq(given.seen->most, 1);
}
END_TEST

START_TEST(a_run_that_takes_too_long_is_ended)
{
    given.work.run = do_forever;
    ck_succeeds(execute("plugin = \"local\"; max_seconds = 0.05;", 3));
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(given.seen->lost[i], 1);
    ck_assert_str_eq(given.seen->reason, "did not end within max_seconds = 0.05");
}
END_TEST

START_TEST(an_interrupt_ends_all_and_calls_none_failed)
{
    given.work.run = do_forever;
    given.interrupt_after = 3;
    ck_succeeds(execute("plugin = \"local\"; jobs = 2;", 5));
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(given.seen->lost[i], 0);
        ck_assert(i < 2 || !given.seen->done[i]);
    }
}
END_TEST

START_TEST(signals_are_afterwards_as_they_were)
{
    sigset_t before, after;
    signal(SIGCHLD, SIG_IGN);
    sigprocmask(SIG_SETMASK, NULL, &before);
    ck_succeeds(execute("plugin = \"local\";", 2));
    sigprocmask(SIG_SETMASK, NULL, &after);
    ck_assert_int_eq(sigismember(&before, SIGCHLD), sigismember(&after, SIGCHLD));
    ck_assert(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
    ck_assert_int_eq(given.seen->done[0] + given.seen->done[1], 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("local");
    TCase *tests = tcase_create("local");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, each_of_many_runs_is_done_once);
    tcase_add_test(tests, jobs_share_the_cores);
    tcase_add_test(tests, a_run_that_tells_no_outcome_is_told_for);
    tcase_add_test(tests, an_outcome_that_cannot_be_stored_at_all_ends_the_work);
    tcase_add_test(tests, without_forks_all_runs_are_done_here);
    tcase_add_test(tests, a_run_that_takes_too_long_is_ended);
    tcase_add_test(tests, an_interrupt_ends_all_and_calls_none_failed);
    tcase_add_test(tests, signals_are_afterwards_as_they_were);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
