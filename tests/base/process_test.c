/* Child processes and the notes of what they are at. */
#include "support.h"

#include "base/guard.h"
#include "base/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 20000 /* milliseconds */

static int give_seven(void *context)
{
    (void)context;
    return 7;
}

static int crash(void *context)
{
    (void)context;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return 0;
}

static int hang(void *context)
{
    (void)context;
    while (pause() < 0)
        continue;
    return 0;
}

/* Leaves the number of a child of its own, which holds the pipe's end open for as long as it lives. */
static int start_another(void *context)
{
    const int *ends = context;
    close(ends[0]);
    pid_t pid = fork();
    if (pid == 0)
        hang(NULL);
    if (write(ends[1], &pid, sizeof(pid)) != sizeof(pid))
        return 1;
    return hang(NULL);
}

static pid_t start(tsr_process_work *work, void *context)
{
    pid_t pid = 0;
    ck_succeeds(tsr_process_start(TSR_OUTPUT_ERRORS, work, context, &pid));
    return pid;
}

static void ends_as(int ended, const char *expected)
{
    tsr_text text = { 0 };
    tsr_process_describe_end(ended, "in open", &text);
    ck_assert_str_eq(text.chars, expected);
    free(text.chars);
}

START_TEST(how_a_child_ended_is_told)
{
    pid_t pid = start(give_seven, NULL);
    ck_assert(tsr_process_wait(pid, tsr_process_clock() + PATIENCE));
    ends_as(tsr_process_end(pid), "ended the process with status 7 in open");
    pid = start(crash, NULL);
    ck_assert(tsr_process_wait(pid, tsr_process_clock() + PATIENCE));
    ends_as(tsr_process_end(pid), "crashed in open (signal 11, Segmentation fault)");
}
END_TEST

START_TEST(a_child_that_hangs_is_killed_after_the_deadline)
{
    pid_t pid = start(hang, NULL);
    ck_assert(!tsr_process_wait(pid, tsr_process_clock() + 20));
    ends_as(tsr_process_end(pid), "was killed in open (signal 9, Killed)");
}
END_TEST

START_TEST(what_a_child_has_started_ends_with_it)
{
    int ends[2];
    pid_t other = 0;
    char none;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = start(start_another, ends);
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &other, sizeof(other)), sizeof(other));
    tsr_process_end(pid);
    ck_assert_int_eq(read(ends[0], &none, 1), 0); /* nobody holds the other end any more */
    close(ends[0]);
}
END_TEST

static void described_as(const tsr_calls *calls, const char *expected)
{
    tsr_text text = { 0 };
    tsr_guard_describe(calls, &text);
    ck_assert_str_eq(text.chars ? text.chars : "", expected);
    free(text.chars);
}

START_TEST(calls_are_described_once_each_with_plugin_and_operation)
{
    tsr_calls calls = { 0 };
    unsigned adam = tsr_guard_plugin("/p/adam.so", "optimizer", "adam"),
             idx = tsr_guard_plugin(NULL, "dataset", "idx");
    described_as(&calls, "");
    ck_assert_uint_eq(tsr_guard_plugin("/p/adam.so", "optimizer", "adam"), adam);
    ck_assert_uint_ne(adam, idx);
    calls.of_thread[0] = calls.of_thread[5] = tsr_call_of(adam, TSR_CALL_UPDATE);
    described_as(&calls, "update of optimizer adam (/p/adam.so)");
    calls.of_thread[1] = tsr_call_of(idx, TSR_CALL_READ);
    described_as(&calls, "update of optimizer adam (/p/adam.so) or read of dataset idx (built in)");
}
END_TEST

START_TEST(nothing_that_a_process_has_left_is_trusted)
{
    tsr_calls calls = { 0 };
    calls.of_thread[0] = tsr_call_of(12345678, TSR_CALL_OPEN);
    described_as(&calls, "open of a plugin");
    calls.of_thread[0] = 0xffffffff;
    described_as(&calls, "an operation of a plugin");
}
END_TEST

START_TEST(long_paths_are_cut_at_their_beginning)
{
    char path[5000];
    tsr_calls calls = { 0 };
    tsr_text text = { 0 };
    memset(path, 'x', sizeof(path));
    strcpy(path + sizeof(path) - 8, "/end.so");
    calls.of_thread[0] = tsr_call_of(tsr_guard_plugin(path, "probe", "end"), TSR_CALL_RUN);
    tsr_guard_describe(&calls, &text);
    ck_assert(strstr(text.chars, "run of probe end (...xxx") && strstr(text.chars, "xxx/end.so)"));
    ck_assert_uint_lt(text.length, 1200);
    free(text.chars);
}
END_TEST

/* More plugins than there are numbers: they are not named, and nobody else's name is given to them. */
START_TEST(plugins_beyond_the_last_number_are_called_a_plugin)
{
    unsigned number = 0;
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "p%d", i);
        number = tsr_guard_plugin("/p.so", "probe", name);
    }
    tsr_calls calls = { 0 };
    calls.of_thread[0] = tsr_call_of(number, TSR_CALL_RUN);
    described_as(&calls, "run of a plugin");
}
END_TEST

static int note_and_end(void *context)
{
    tsr_calls *calls = context;
    tsr_guard_note(tsr_call_of(tsr_guard_plugin("/p/x.so", "model", "x"), TSR_CALL_BUILD));
    if (calls) {
        tsr_guard_use(calls);
        tsr_guard_note(tsr_call_of(tsr_guard_plugin("/p/x.so", "model", "x"), TSR_CALL_FORWARD));
    }
    _exit(0);
}

START_TEST(a_forked_process_notes_where_it_is_told_and_nowhere_else)
{
    tsr_calls *calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(calls, MAP_FAILED);
    tsr_call call = tsr_call_of(tsr_guard_plugin("/p/x.so", "model", "x"), TSR_CALL_BUILD),
             before = tsr_guard_note(0);
    tsr_process_end(start(note_and_end, NULL));
    described_as(calls, "");
    pid_t pid = start(note_and_end, calls);
    ck_assert(tsr_process_wait(pid, tsr_process_clock() + PATIENCE));
    tsr_process_end(pid);
    described_as(calls, "forward of model x (/p/x.so)");
    ck_assert_uint_eq(tsr_guard_note(call), 0);
    ck_assert_uint_eq(tsr_guard_note(before), call);
    munmap(calls, sizeof(*calls));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("process");
    TCase *tests = tcase_create("process");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, how_a_child_ended_is_told);
    tcase_add_test(tests, a_child_that_hangs_is_killed_after_the_deadline);
    tcase_add_test(tests, what_a_child_has_started_ends_with_it);
    tcase_add_test(tests, calls_are_described_once_each_with_plugin_and_operation);
    tcase_add_test(tests, nothing_that_a_process_has_left_is_trusted);
    tcase_add_test(tests, long_paths_are_cut_at_their_beginning);
    tcase_add_test(tests, a_forked_process_notes_where_it_is_told_and_nowhere_else);
    tcase_add_test(tests, plugins_beyond_the_last_number_are_called_a_plugin);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
